"""What several commands have: options, exit codes."""

from typing import Annotated

import typer

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
MODELS_FILE = "models.yaml"

ModelsFileOption = Annotated[
    str, typer.Option(help="File in CONFIG_DIR that names the models, such as models.gpu.yaml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
ByOption = Annotated[str, typer.Option(help="Who does it, for the record; empty: the user's name.")]
MapOption = Annotated[
    str | None,
    typer.Option("--map", help="salesforce, hubspot, or a YAML file that names the columns."),
]
