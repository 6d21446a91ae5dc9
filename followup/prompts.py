"""The one place where a prompt is made. Training and serving both call `render_prompt`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat prompt of two turns; the engine applies the model's own chat template."""

    system: str
    user: str
