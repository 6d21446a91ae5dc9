"""Starts, stops and describes the whole product on one machine.

`up` brings each part to the state it should be in and leaves it alone where it already is, so
running it again after an interrupt or a failure goes on where it stopped.
"""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cluster import application, demo, documents, preflight
from cluster.application import Driver, base_url
from cluster.errors import StartError
from cluster.ingest_lock import only_ingestion
from cluster.milvus import milvus_runs, start_milvus, stop_milvus
from cluster.models import pull_model
from cluster.processes import own_processes
from cluster.ray_cluster import running_ray, start_ray, stop_ray
from cluster.reporting import Reporter
from cluster.serve_status import ServeState
from cluster.state import StateFolder
from config.settings import Settings
from followup.backends.access import DEFAULT_TENANT
from followup.backends.database import Database
from ingestion.ingest import IngestSummary


class UpOptions(BaseModel):
    """What `up` takes from the project's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Path
    documents: Path | None
    """None: the examples, unless the tenant has documents of its own."""
    example_documents: Path
    example_adapter: Path
    """Published for the default tenant at the first start, if it is there."""
    requests: Path | None
    """Folder of the example requests; None: send none."""


class PartStatus(BaseModel):
    """One part of the running product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    ok: bool
    status: str
    detail: str = ""


class Status(BaseModel):
    """All parts; healthy when every one is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    healthy: bool
    parts: tuple[PartStatus, ...]


def up(settings: Settings, options: UpOptions, reporter: Reporter) -> None:
    """Start what is missing and wait until the API is healthy. Raises a FollowupError."""
    state = state_folder(settings)
    own_pids = frozenset(process.pid for process in own_processes(state))
    preflight.check(settings, own_pids)
    state.create()
    with _only_one(state):
        pull_models(settings, reporter)
        with reporter.waiting("Preparing the database"):
            asyncio.run(migrate(settings))
            asyncio.run(preflight.check_access(settings))
        _start_servers(state, settings, reporter)
        _ingest_at_start(settings, options, reporter)
        _publish_at_start(settings, options.example_adapter, reporter)
        record = running_ray(state)
        if record is None:
            message = f"Ray ended while the documents were ingested. Log: {state.logs}"
            raise StartError(message)
        reporter.step("Deploying the application")
        application.deploy(Driver(state, settings, record), options.config, reporter)
        health = application.wait_until_healthy(state, settings.environment)
        reporter.step(f"The API is {health}")
    failed = []
    if options.requests is not None:
        failed = demo.run_demo(settings.environment, options.requests, reporter)
    _print_addresses(settings, reporter)
    if failed:
        message = f"The service runs, but these examples failed: {', '.join(failed)}"
        raise StartError(message)


def down(state: StateFolder, reporter: Reporter) -> None:
    """Stop everything that `up` started, and only that. StartError names what does not end."""
    if not state.ray_record.parent.exists():
        reporter.step("Nothing was running.")
        return
    with _only_one(state), reporter.waiting("Stopping"):
        # Ray first: its replicas use Milvus until they end.
        stopped = [
            name for name, stop in (("Ray", stop_ray), ("Milvus Lite", stop_milvus)) if stop(state)
        ]
    reporter.step(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")


def status(settings: Settings) -> Status:
    """Look at each part. Starts and changes nothing."""
    state = state_folder(settings)
    environment = settings.environment
    parts = []
    if settings.uses_milvus_lite:
        runs = milvus_runs(state)
        where = f"127.0.0.1:{environment.milvus_lite_port}"
        parts.append(_running("milvus", runs, where))
    record = running_ray(state)
    parts.append(_running("ray", record is not None, record.address if record else ""))
    if record is not None:
        serve_state = Driver(state, settings, record).read()
        parts.extend(_deployment_parts(serve_state))
    report = application.read_health(environment)
    health = str(report.get("status")) if report else "no answer"
    parts.append(
        PartStatus(name="api", ok=health == "healthy", status=health, detail=base_url(environment))
    )
    return Status(healthy=all(part.ok for part in parts), parts=tuple(parts))


def ingest(
    settings: Settings, folder: Path | str, tenant: str, reporter: Reporter
) -> IngestSummary:
    """Make the tenant's documents those of the folder. Raises a FollowupError."""
    state = state_folder(settings)
    state.create()
    # Ingestions of other tenants may run at the same time, `up` and `down` may not.
    with _only_one(state, shared=True), only_ingestion(state, tenant):
        return asyncio.run(documents.ingest_documents(settings, folder, tenant, reporter))


def report_ingest(summary: IngestSummary, reporter: Reporter) -> None:
    """Say what a run did, and which documents it left out."""
    reporter.step(f"Knowledge base: {documents.describe(summary)}")
    reporter.step(f"  {documents.describe_seconds(summary)}")
    for reject in summary.rejects:
        reporter.note(f"'{reject.document}' was left out: {reject.reason}")
    for document, flags in summary.flags.items():
        kinds = ", ".join(sorted({flag.kind.value for flag in flags}))
        reporter.note(f"'{document}' was taken in, but marked: {kinds}")


def pull_models(settings: Settings, reporter: Reporter) -> None:
    """Fetch the models that are missing. Raises DownloadError."""
    token = settings.environment.hf_token.get_secret_value()
    models = settings.models
    wanted = (models.base_model, models.embedding_model, models.reranking_model)
    for spec in filter(None, wanted):
        fetched = pull_model(spec, settings.model_cache_dir, token, reporter)
        reporter.step(f"Model {spec.name}: {'fetched' if fetched else 'there'}")


async def migrate(settings: Settings) -> None:
    """Bring the database to the newest tables. Errors: PartUnavailableError, SettingError."""
    database = Database(settings.database)
    try:
        await database.migrate()
    finally:
        await database.close()


def state_folder(settings: Settings) -> StateFolder:
    """STATE_DIR as an absolute path."""
    return StateFolder(settings.environment.state_dir.absolute())


def _start_servers(state: StateFolder, settings: Settings, reporter: Reporter) -> None:
    if settings.uses_milvus_lite:
        with reporter.waiting("Starting Milvus Lite"):
            started = start_milvus(state, settings.environment.milvus_lite_port)
        reporter.step(f"Milvus Lite: {'started' if started else 'running'}")
    with reporter.waiting("Starting Ray"):
        started = start_ray(state, settings)
    reporter.step(f"Ray: {'started' if started else 'running'}")


def _ingest_at_start(settings: Settings, options: UpOptions, reporter: Reporter) -> None:
    folder = options.documents
    if folder is None:
        folder = options.example_documents
        # Ingesting the examples would delete everything else that the tenant has.
        if not asyncio.run(documents.has_only_examples(settings, DEFAULT_TENANT, folder)):
            reporter.step(
                f"Knowledge base: tenant '{DEFAULT_TENANT}' has documents of its own; left alone"
            )
            return
    with only_ingestion(state_folder(settings), DEFAULT_TENANT):
        summary = asyncio.run(
            documents.ingest_documents(settings, folder, DEFAULT_TENANT, reporter)
        )
    report_ingest(summary, reporter)


def _publish_at_start(settings: Settings, example: Path, reporter: Reporter) -> None:
    if not example.is_dir():
        return
    from cluster.adapters import publish_example  # noqa: PLC0415 - the model libraries take seconds

    publish_example(settings, example, DEFAULT_TENANT, reporter)


def _print_addresses(settings: Settings, reporter: Reporter) -> None:
    url = base_url(settings.environment)
    reporter.step(f"API:     {url}")
    reporter.step(f"Docs:    {url}/docs")
    reporter.step(f"Metrics: http://127.0.0.1:{settings.environment.metrics_port}/metrics")
    reporter.step("It goes on running. Stop it with: make stop   or: lead-assistant down")


def _running(name: str, runs: bool, where: str) -> PartStatus:
    return PartStatus(name=name, ok=runs, status="running" if runs else "stopped", detail=where)


def _deployment_parts(state: ServeState | None) -> list[PartStatus]:
    if state is None:
        return [PartStatus(name="serve", ok=False, status="no answer")]
    return [
        PartStatus(
            name=f"{application_state.name}/{deployment.name}",
            ok=deployment.status == "HEALTHY",
            status=deployment.status.lower(),
            detail=", ".join(
                f"{count} {name.lower()}" for name, count in deployment.replicas.items()
            ),
        )
        for application_state in state.applications
        for deployment in application_state.deployments
    ]


@contextmanager
def _only_one(state: StateFolder, *, shared: bool = False) -> Iterator[None]:
    """Let one `up` or `down` of this installation work at a time, and no `ingest` beside it.

    Those that hold it `shared` may work at the same time.
    """
    with (state.ray_record.parent / "lock").open("w") as lock:
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                "Another 'lead-assistant up', 'down' or 'ingest' is at work. "
                "Wait until it has ended."
            )
            raise StartError(message) from None
        yield
