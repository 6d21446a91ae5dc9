"""lead-assistant train prepare | finetune | evaluate | publish | fit-scoring"""

import asyncio
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.options import (
    EXIT_CODES,
    MODELS_FILE,
    ByOption,
    JsonOption,
    MapOption,
    ModelsFileOption,
)
from cluster.reporting import Reporter
from followup.errors import InvalidInputError

if TYPE_CHECKING:
    from config.settings import Settings
    from config.training import TrainingSettings
    from training.sources import SourceRows

train_app = typer.Typer(
    no_args_is_help=True, help="LoRA adapters: from conversations to a published version."
)

TRAINING_FILE = "training.yaml"
_MAX_SHOWN = 10
TrainingFileOption = Annotated[
    Path | None, typer.Option("--training-file", help="Instead of training.yaml in CONFIG_DIR.")
]


@train_app.command(epilog=EXIT_CODES)
def prepare(
    source: Annotated[
        Path | None, typer.Argument(help="CSV, JSONL or Parquet file of conversations.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "training_data"
    ),
    from_database: Annotated[
        str | None,
        typer.Option(
            metavar="TENANT",
            help="Also the approved and edited messages of this tenant that leads answered.",
        ),
    ] = None,
    training_file: TrainingFileOption = None,
) -> None:
    """Check, scrub, deduplicate and split conversations; report what they hold."""
    from config.settings import load_settings
    from training.balance import CHART_FILE, report_text, write_balance
    from training.prepare import prepare as prepare_rows
    from training.prepare import write_prepared
    from training.sources import read_source

    settings = load_settings()
    training = read_training(settings, training_file)
    company = training.prepare.company_name
    if source is None and from_database is None:
        message = "Nothing to prepare: give a file, or --from-database TENANT."
        raise InvalidInputError(message, field="source")
    sources = [read_source(source, company)] if source else []
    if from_database:
        sources.append(asyncio.run(_from_database(settings, from_database, company)))
    prepared = prepare_rows(sources, training.prepare, settings.compliance)
    write_prepared(prepared, output)
    write_balance(prepared, settings.scoring, output)
    typer.echo(report_text(prepared, settings.scoring))
    if prepared.num_rows < training.prepare.advised_rows:
        typer.echo(
            f"warning: {prepared.num_rows:,} rows are few; "
            f"{training.prepare.advised_rows:,} or more are advised.",
            err=True,
        )
    typer.echo(f"Written: {output} (chart: {output / CHART_FILE})", err=True)


@train_app.command(epilog=EXIT_CODES)
def finetune(
    data: Annotated[Path, typer.Argument(help="Folder that 'train prepare' wrote.")],
    run: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")],
    workers: Annotated[
        str, typer.Option(help="Workers, or MIN-MAX: as many as the cluster has room for.")
    ] = "1",
    use_gpu: Annotated[bool, typer.Option("--use-gpu", help="A GPU for each worker.")] = False,
    cores: Annotated[
        int | None,
        typer.Option(min=1, help="Processor cores of a worker; left out: all, shared evenly."),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray cluster to train on; left out: one of its own, here.")
    ] = None,
    models_file: ModelsFileOption = MODELS_FILE,
    training_file: TrainingFileOption = None,
) -> None:
    """Train a LoRA adapter. Run it again with the same folder to go on after a kill."""
    from cluster.train_ray import cores_for, training_ray
    from config.settings import load_settings

    settings = load_settings(models_file=models_file)
    training = read_training(settings, training_file)
    low, high = parse_workers(workers)
    reporter = Reporter()
    with training_ray(settings, address, high):
        # Imported here: see train_ray.
        from training.base_model import BaseModel
        from training.examples import PromptRules
        from training.finetune import FinetuneOptions
        from training.finetune import finetune as run_finetune

        record = run_finetune(
            FinetuneOptions(
                data=data,
                run=run,
                min_workers=low,
                max_workers=high,
                use_gpu=use_gpu,
                cores_per_worker=cores or cores_for(high),
            ),
            training.finetune,
            PromptRules(settings.prompts, settings.scoring, settings.compliance),
            BaseModel(settings.engine),
            reporter.step,
        )
    reporter.step(
        f"Trained in {record.seconds / 60:.1f} min: validation loss "
        f"{record.best_validation_loss:.4f} at step {record.best_step} of {record.num_steps}, "
        f"{record.num_parameters:,} parameters. Adapter: {run / 'adapter'}"
    )


@train_app.command(epilog=EXIT_CODES)
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    data: Annotated[
        Path, typer.Option(help="Folder that 'train prepare' wrote, the one it was trained on.")
    ],
    models_file: ModelsFileOption = MODELS_FILE,
    training_file: TrainingFileOption = None,
) -> None:
    """Measure base model and adapter on the held-out rows; write evaluation.json and .html."""
    from config.settings import load_settings
    from training.evaluate import EvaluateOptions, write_evaluation
    from training.evaluate import evaluate as run_evaluation
    from training.examples import PromptRules

    settings = load_settings(models_file=models_file)
    options = EvaluateOptions(
        run=run,
        data=data,
        engine=settings.engine,
        repetition_penalty=settings.models.sampling.repetition_penalty,
    )
    found = run_evaluation(
        options,
        read_training(settings, training_file).evaluate,
        PromptRules(settings.prompts, settings.scoring, settings.compliance),
    )
    write_evaluation(found, run)
    for name, base in found.base.items():
        typer.echo(f"{name:<16} base {base.value:8.3f}   adapter {found.adapter[name].value:8.3f}")
    typer.echo(f"Written: {run / 'evaluation.json'} and .html", err=True)


@train_app.command(epilog=EXIT_CODES)
def publish(
    source: Annotated[
        Path, typer.Argument(help="A finished run's folder, or a PEFT adapter's.", exists=True)
    ],
    name: Annotated[str, typer.Option(help="Name of the adapter; empty: the folder's.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Past the gate; the card and the history say so.")
    ] = False,
    by: ByOption = "",
    models_file: ModelsFileOption = MODELS_FILE,
    as_json: JsonOption = False,
) -> None:
    """Make an immutable version of an adapter, if it passes the gate of adapters.yaml."""
    from cluster import adapters
    from config.settings import load_settings
    from training.publish import PublishRequest

    request = PublishRequest(
        source, name or source.resolve().name, by or getpass.getuser(), force=force
    )
    published = adapters.publish_adapter(load_settings(models_file=models_file), request)
    card = published.card
    if as_json:
        typer.echo(card.model_dump_json())
        return
    typer.echo(f"{card.version}: {'published' if published.is_new else 'was published before'}")
    typer.echo(f"Serve it with: lead-assistant adapters promote {card.version}", err=True)


@train_app.command("fit-scoring", epilog=EXIT_CODES)
def fit_scoring(
    leads: Annotated[
        Path, typer.Argument(help="CSV, JSONL or Parquet: lead fields and what became of each.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "scoring"
    ),
    lead_map: MapOption = None,
    outcome: Annotated[
        str, typer.Option(help="Column that holds 1, true, yes, won or 0, false, no, lost.")
    ] = "converted",
) -> None:
    """Fit the lead scoring on outcomes; write a scoring.yaml and how it compares."""
    from config.lead_map_file import read_lead_map
    from config.settings import load_settings
    from training.fit_scoring import describe
    from training.fit_scoring import fit_scoring as fit
    from training.outcomes import read_outcomes
    from training.scoring_report import write_scoring

    settings = load_settings()
    found_map = read_lead_map(settings.environment.config_dir, lead_map)
    found = read_outcomes(leads, found_map, datetime.now(UTC).date(), outcome=outcome)
    report = fit(found.leads, settings.scoring)
    write_scoring(report, output)
    for bad in found.bad[:_MAX_SHOWN]:
        typer.echo(f"line {bad.line}: {bad.reason}", err=True)
    if found.bad:
        typer.echo(f"{len(found.bad):,} rows were left out.", err=True)
    typer.echo(f"{'on ' + format(report.num_test_leads, ',') + ' leads':<24} before   fitted")
    for name, (before, fitted) in describe(report).items():
        typer.echo(f"{name:<24} {before:>6}   {fitted:>6}")
    value, low, high = report.auc_gain
    typer.echo(f"AUC gain {value:+.3f} (95% {low:+.3f} to {high:+.3f})")
    typer.echo(f"Written: {output / 'scoring.yaml'}. Copy it to CONFIG_DIR to use it.", err=True)


def read_training(settings: "Settings", path: Path | None) -> "TrainingSettings":
    """training.yaml of CONFIG_DIR, or another file. Raises SettingError."""
    from config.reading import read_yaml
    from config.training import TrainingSettings

    return read_yaml(path or settings.environment.config_dir / TRAINING_FILE, TrainingSettings)


def parse_workers(text: str) -> tuple[int, int]:
    """'2' or '1-4' as the lowest and the highest number. Raises InvalidInputError."""
    low, _, high = text.partition("-")
    if not low.isdigit() or (high and not high.isdigit()):
        message = (
            f"--workers has value '{text}'. Allowed: a number such as 2, or a range such as 1-4."
        )
        raise InvalidInputError(message, field="workers")
    return int(low), int(high or low)


async def _from_database(settings: "Settings", tenant: str, company_name: str) -> "SourceRows":
    from followup.backends.database import Database
    from training.sources import read_database

    database = Database(settings.database)
    try:
        await database.migrate()
        return await read_database(database, tenant, company_name)
    finally:
        await database.close()
