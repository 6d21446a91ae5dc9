"""Published adapters: a folder for each immutable version, with its card and its artifacts."""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError

from followup.adapter_gate import GateResult
from followup.errors import AdapterMissingError, InvalidInputError

NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
VERSION_PATTERN = re.compile(rf"{NAME_PATTERN}@[0-9a-f]{{12}}")
CARD_FILE = "card.json"
PEFT_FOLDER = "peft"
MERGED_FILE = "merged.gguf"


class AdapterCard(BaseModel):
    """Where a version comes from and what it was measured to do. Never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    base_model: str
    """name@hash of the base model that it was published for."""
    published_at: AwareDatetime
    published_by: str
    gate: GateResult
    data_sha256: str | None
    """SHA-256 of the training data; None where the run does not say."""
    run: dict[str, JsonValue] | None
    """`run.json`; None for an adapter that came without one."""
    evaluation: dict[str, JsonValue] | None
    """`evaluation.json`; None where there was none."""
    has_merged_weights: bool
    """Whether the engine openvino can serve it."""

    @property
    def name(self) -> str:
        """The version without its hash."""
        return self.version.partition("@")[0]


class AdapterLibrary:
    """Versions in a folder that every replica reads.

    A version is written under another name and renamed, so one that is there is whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self) -> list[AdapterCard]:
        """The cards of all versions, oldest first. A damaged one raises AdapterMissingError."""
        names = [path.name for path in self._folder.glob("*@*") if is_version(path.name)]
        return sorted((self.card(name) for name in names), key=lambda card: card.published_at)

    def has(self, version: str) -> bool:
        """Whether the version is there."""
        return is_version(version) and (self._folder / version / CARD_FILE).is_file()

    def card(self, version: str) -> AdapterCard:
        """The version's card. Raises AdapterMissingError where it is missing or damaged."""
        path = self._part(version, CARD_FILE)
        try:
            return AdapterCard.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            message = f"'{path}' cannot be read as a card. Remove its folder and publish again."
            raise AdapterMissingError(message) from error

    def check_base(self, version: str, base_model: str) -> None:
        """Raise AdapterMissingError unless the version was published for this base model."""
        published_for = self.card(version).base_model
        if published_for != base_model:
            message = (
                f"Adapter '{version}' was published for the base model '{published_for}'; this is "
                f"'{base_model}'. Publish one with: lead-assistant train publish"
            )
            raise AdapterMissingError(message)

    def peft_folder(self, version: str) -> Path:
        """The PEFT adapter, for vLLM and transformers. Raises AdapterMissingError."""
        return self._part(version, PEFT_FOLDER)

    def merged_file(self, version: str) -> Path:
        """The merged GGUF file, for OpenVINO. Raises AdapterMissingError."""
        return self._part(version, MERGED_FILE)

    def add(self, version: str, write: Callable[[Path], None]) -> bool:
        """Make the version with what `write` puts into a folder; False where it was there."""
        if self.has(version):
            return False
        unfinished = self._folder / f".{version}.{os.getpid()}.part"
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a killed process of this number
        unfinished.mkdir(parents=True)
        try:
            write(unfinished)
            unfinished.rename(self._folder / version)
        except OSError:
            if not self.has(version):  # otherwise another process published the same meanwhile
                raise
            return False
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return True

    def remove(self, version: str) -> None:
        """Delete the version. Raises AdapterMissingError where it is missing."""
        folder = self._part(version, "")
        leaving = self._folder / f".{version}.{os.getpid()}.removed"
        folder.rename(leaving)
        shutil.rmtree(leaving)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from changing versions and aliases on this machine meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _part(self, version: str, part: str) -> Path:
        if not is_version(version):
            message = f"'{version}' is no adapter version. Allowed: name@ and 12 hex digits."
            raise InvalidInputError(message, field="version")
        path = self._folder / version / part
        if not path.exists():
            where = f"'{version}' is not in '{self._folder}'"
            if part and (self._folder / version).is_dir():
                where = f"'{version}' in '{self._folder}' has no '{part}'"
            message = f"Adapter {where}. Publish one with: lead-assistant train publish"
            raise AdapterMissingError(message)
        return path


def is_version(text: str) -> bool:
    """Whether it is a name, an @ and 12 hex digits: never a path."""
    return VERSION_PATTERN.fullmatch(text) is not None
