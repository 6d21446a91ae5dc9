"""The stages on a real Ray cluster give the documents that the local ones give."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cluster.ingest_cluster import connect_to_ray
from cluster.preflight import free_port
from cluster.ray_cluster import start_ray, stop_ray
from cluster.reporting import Reporter
from cluster.state import StateFolder
from config.environment import Environment
from config.settings import Settings, load_settings
from examples.make_knowledge_base_pdfs import DEFAULT_FOLDER
from followup.backends.embedder import Embedder
from followup.backends.model_fingerprint import model_fingerprint
from ingestion.local_stages import LocalStages
from ingestion.parser_process import ParserProcess
from ingestion.ray_stages import PoolSizes
from ingestion.sources import DocumentSource
from ingestion.stages import ChunkStage, PreparedDocument, content_hasher
from tests.integration.models import MODEL_CACHE_DIR

LIMIT_SECONDS = 200


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of an installation whose Ray cluster runs, as `up` starts it."""
    for name in (*Environment.model_fields, "ray_address"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MODEL_CACHE_DIR", str(MODEL_CACHE_DIR.absolute()))
    monkeypatch.setenv("METRICS_PORT", str(free_port()))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    settings = load_settings()
    state = StateFolder(settings.environment.state_dir.absolute())
    state.create()
    start_ray(state, settings)
    yield settings
    stop_ray(state)


@pytest.mark.slow
def test_ray_makes_the_documents_that_one_process_makes(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, path in enumerate(sorted(DEFAULT_FOLDER.rglob("*.md"))[:3] * 10):
        (folder / f"{number}.md").write_text(path.read_text() + f"\n\nEdition {number}.\n")
    (folder / "broken.pdf").write_text("no PDF at all")
    embedder = settings.embedder.model_copy(update={"precision": "float32"})
    settings = settings.model_copy(update={"embedder": embedder})
    fingerprint = model_fingerprint(embedder)
    source = DocumentSource.open(str(folder))
    files = source.list_files()

    output = tmp_path / "made.pickle"
    subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-m", "tests.integration.ray_stages_process", str(folder), str(output)],
        check=True,
        timeout=LIMIT_SECONDS,
    )
    made = by_name(pickle.loads(output.read_bytes()))  # noqa: S301 - of the process above

    with ParserProcess(settings.ingestion, embedder.model_path) as parser:
        chunker = ChunkStage(
            source,
            parser.cut,
            settings.ingestion.limits,
            content_hasher(fingerprint, settings.ingestion),
        )
        stages = LocalStages(chunker, Embedder(embedder))
        expected = by_name([d for batch in stages.run(files) for d in batch])
    assert made.keys() == expected.keys() == {file.name for file in files}
    for name, document in made.items():
        other = expected[name]
        assert (document.content_hash, document.chunks, document.reject) == (
            other.content_hash,
            other.chunks,
            other.reject,
        )
        if other.vectors is None:
            assert document.vectors is None
        else:
            assert document.vectors is not None
            assert np.allclose(document.vectors, other.vectors, atol=1e-5)


def by_name(documents: list[PreparedDocument]) -> dict[str, PreparedDocument]:
    return {document.name: document for document in documents}


def test_without_a_cluster_there_are_no_stages_on_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    with connect_to_ray(load_settings(), str(tmp_path), "model", Reporter(quiet=True)) as stages:
        assert stages is None


@pytest.mark.parametrize(
    ("cpus", "gpus", "chunkers", "embedders"),
    [
        pytest.param(0.4, 0, 1, 1, id="Serve holds the CPUs"),
        pytest.param(3, 0, 1, 1, id="one machine"),
        pytest.param(64, 0, 8, 16, id="a CPU cluster"),
        pytest.param(64, 8, 32, 8, id="a GPU cluster"),
    ],
)
def test_the_pools_grow_with_the_cluster_and_fit_into_it(
    cpus: float, gpus: float, chunkers: int, embedders: int
) -> None:
    sizes = PoolSizes.of(cpus, gpus, cores=16)
    assert (sizes.num_chunkers, sizes.num_embedders) == (chunkers, embedders)
    held = sizes.num_chunkers * sizes.chunker_cpus + sizes.num_embedders * sizes.embedder_cpus
    assert held <= cpus
    assert sizes.num_embedders * sizes.embedder_gpus <= gpus
