"""Reads what people write, and says what is wrong in it: where, which key, which value."""

import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from followup.errors import SettingError

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of the settings models: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_yaml(path: Path, kind: type[Model]) -> Model:
    """The file as a `kind`. Raises SettingError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"'{path}' does not exist. Set CONFIG_DIR to a folder that holds it."
        raise SettingError(message) from None
    except yaml.YAMLError as error:
        message = f"'{path}' is not valid YAML: {error}"
        raise SettingError(message) from error
    return validate(data, kind, f"'{path}'")


def validate(data: object, kind: type[Model], where: str) -> Model:
    """`data` as a `kind`. Raises SettingError with one line for every wrong key."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise SettingError(_explain(error, where)) from error


def mask_url(url: str) -> str:
    """The address without what may be secret: user and password, and the query."""
    shown = re.sub(r"^(\w+://)?.*@", r"\1***@", url, flags=re.DOTALL)
    return re.sub(r"\?.*", "?***", shown, flags=re.DOTALL)


def _explain(error: ValidationError, where: str) -> str:
    """One line for every wrong key: where it stands, its value, and what is allowed."""
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        lines.append(f"{where}: '{key}' has value {item['input']!r}: {item['msg']}")
    return "\n".join(lines)
