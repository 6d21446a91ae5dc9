"""Build the generation engine that the settings name. Only its own libraries are loaded."""

from followup.backends.engines.protocol import Engine
from followup.backends.settings import EngineSettings


def build_engine(settings: EngineSettings) -> Engine:
    """Load the model, which takes seconds to minutes. Errors: SettingError for a missing model."""
    match settings.engine:  # imported here, so that only the chosen engine's libraries load
        case "openvino":
            from followup.backends.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415

            return OpenVinoEngine(settings)
        case "transformers":
            from followup.backends.engines.transformers_engine import TransformersEngine  # noqa: PLC0415

            return TransformersEngine(settings)
        case "vllm":
            from followup.backends.engines.vllm_engine import VllmEngine  # noqa: PLC0415

            return VllmEngine(settings)
