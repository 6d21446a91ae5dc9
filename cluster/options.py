"""Options that several commands have."""

from typing import Annotated

import typer

MODELS_FILE = "models.yaml"

ModelsFileOption = Annotated[
    str, typer.Option(help="File in CONFIG_DIR that names the models, such as models.gpu.yaml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
MapOption = Annotated[
    str | None,
    typer.Option("--map", help="salesforce, hubspot, or a YAML file that names the columns."),
]
