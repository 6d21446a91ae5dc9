"""The map of a lead list's columns: a preset of config/lead_maps/, or a file of one's own."""

from pathlib import Path

from config.reading import read_yaml
from followup.errors import InvalidInputError
from followup.lead_map import LeadMap

MAPS_FOLDER = "lead_maps"


def read_lead_map(config_dir: Path, name: str | None) -> LeadMap:
    """A preset by name, a .yaml file by path; None is the map of the product's own names.

    Raises InvalidInputError for an unknown preset and SettingError for a wrong file.
    """
    if name is None:
        return LeadMap()
    presets = config_dir / MAPS_FOLDER
    preset = presets / f"{name}.yaml"
    path = Path(name)
    if not path.suffix and not preset.is_file():
        names = ", ".join(sorted(file.stem for file in presets.glob("*.yaml")))
        message = f"map has value '{name}'. Allowed: {names}, or a .yaml file."
        raise InvalidInputError(message, field="map")
    return read_yaml(path if path.suffix else preset, LeadMap)
