"""Models are fetched once, whole, and from the source that models.yaml names."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from cluster.errors import DownloadError
from cluster.models import extract, is_complete, manifest_path, pull_model
from cluster.reporting import Reporter
from config.models_file import LocalSource, ModelSpec, PackageSource

FOLDER_FILES = ("config.json", "1_Pooling/config.json")
REPORTER = Reporter(quiet=True)


class Index:
    """A package index on disk that counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        self.wheel = folder / "model-1.0-py3-none-any.whl"
        self.num_asked = 0
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("pkg/model.gguf", b"GGUF weights")
            for name in FOLDER_FILES:
                archive.writestr(f"pkg/{name}", name)
            archive.writestr("pkg/unwanted.py", "raise SystemExit")

    def resolve(self, requirement: str) -> str:
        self.num_asked += 1
        assert requirement == "some-model==1.0"
        return self.wheel.as_uri()

    def source(self, files: tuple[str, ...]) -> PackageSource:
        digest = hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        return PackageSource(
            kind="package", requirement="some-model==1.0", sha256=digest, folder="pkg", files=files
        )


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _folder_spec(index: Index) -> ModelSpec:
    return ModelSpec(name="embedder", path=Path("emb"), source=index.source(FOLDER_FILES))


def _file_spec(index: Index) -> ModelSpec:
    return ModelSpec(
        name="writer", path=Path("llm/model.gguf"), source=index.source(("model.gguf",))
    )


def test_a_path_that_names_the_only_file_becomes_that_file(index: Index, cache: Path) -> None:
    assert pull_model(_file_spec(index), cache, "", REPORTER, index.resolve)
    assert (cache / "llm" / "model.gguf").read_bytes() == b"GGUF weights"


def test_several_files_become_a_folder_with_just_them(index: Index, cache: Path) -> None:
    pull_model(_folder_spec(index), cache, "", REPORTER, index.resolve)
    found = {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}
    assert found == {"emb/config.json", "emb/1_Pooling/config.json", "emb.manifest.json"}


def test_a_model_that_is_there_is_not_fetched_again(index: Index, cache: Path) -> None:
    for spec in (_file_spec(index), _folder_spec(index)):
        assert pull_model(spec, cache, "", REPORTER, index.resolve)
        num_asked = index.num_asked
        assert not pull_model(spec, cache, "", REPORTER, index.resolve)
        assert index.num_asked == num_asked


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: manifest_path(path).unlink(), id="no-manifest"),
        pytest.param(lambda path: manifest_path(path).write_text("{"), id="half-manifest"),
        pytest.param(lambda path: (path / "config.json").unlink(), id="file-gone"),
        pytest.param(lambda path: (path / "config.json").write_text("x"), id="file-cut"),
    ],
)
def test_a_damaged_model_is_fetched_again(index: Index, cache: Path, damage: object) -> None:
    spec = _folder_spec(index)
    pull_model(spec, cache, "", REPORTER, index.resolve)
    assert callable(damage)
    damage(cache / spec.path)
    assert not is_complete(spec, cache)
    assert pull_model(spec, cache, "", REPORTER, index.resolve)
    assert is_complete(spec, cache)
    assert (cache / "emb" / "config.json").read_text() == "config.json"


def test_another_source_in_models_yaml_replaces_the_model(index: Index, cache: Path) -> None:
    spec = _folder_spec(index)
    pull_model(spec, cache, "", REPORTER, index.resolve)
    changed = spec.model_copy(update={"source": index.source(("config.json",))})
    assert not is_complete(changed, cache)
    pull_model(changed, cache, "", REPORTER, index.resolve)
    assert not (cache / "emb" / "1_Pooling").exists()


def test_a_wrong_checksum_leaves_nothing_in_place(index: Index, cache: Path) -> None:
    source = index.source(FOLDER_FILES).model_copy(update={"sha256": "0" * 64})
    spec = ModelSpec(name="embedder", path=Path("emb"), source=source)
    with pytest.raises(DownloadError, match="is expected"):
        pull_model(spec, cache, "", REPORTER, index.resolve)
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../outside.txt", id="parent"),
        pytest.param("/outside.txt", id="absolute"),
        pytest.param("a/../../outside.txt", id="hidden-parent"),
    ],
)
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    wheel = tmp_path / "evil.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"pkg/{name}", "evil")
    with pytest.raises(DownloadError, match="outside the model's folder"):
        extract(wheel, "pkg", (name,), tmp_path / "models" / "model")
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_file_that_the_package_lacks_is_named(index: Index, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"holds no file 'pkg/gone\.bin'"):
        extract(index.wheel, "pkg", ("gone.bin",), tmp_path / "model")


def test_a_local_model_is_only_looked_for(cache: Path) -> None:
    spec = ModelSpec(name="own", path=Path("own"), source=LocalSource(kind="local"))
    with pytest.raises(DownloadError, match=r"own' does not exist\. Put own there"):
        pull_model(spec, cache, "", REPORTER)
    (cache / "own").mkdir(parents=True)
    assert not pull_model(spec, cache, "", REPORTER)
