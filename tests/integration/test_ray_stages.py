"""The stages on a real Ray cluster give the documents that the local ones give."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ray

from config.ingestion import IngestionSettings
from examples.make_knowledge_base_pdfs import DEFAULT_FOLDER
from followup.backends.embedder import Embedder
from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.settings import EmbedderSettings
from followup.backends.token_counter import TokenCounter
from ingestion.local_stages import LocalStages
from ingestion.parser_process import ParserProcess
from ingestion.ray_stages import PoolSizes, RayStages, StageSpec
from ingestion.sources import DocumentSource
from ingestion.stages import ChunkStage, PreparedDocument, content_hasher
from tests.integration.models import embedding_model_path

OBJECT_STORE_BYTES = 100 * 1024**2


@pytest.fixture
def _cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    ray.init(
        num_cpus=2,
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )
    yield
    ray.shutdown()


@pytest.mark.usefixtures("_cluster")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_makes_the_documents_that_one_process_makes(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, path in enumerate(sorted(DEFAULT_FOLDER.rglob("*.md"))[:3] * 10):
        (folder / f"{number}.md").write_text(path.read_text() + f"\n\nEdition {number}.\n")
    (folder / "broken.pdf").write_text("no PDF at all")
    settings = IngestionSettings()
    embedder = EmbedderSettings(
        model_name="all-minilm-l6-v2", model_path=embedding_model_path(), precision="float32"
    )
    fingerprint = model_fingerprint(embedder)
    source = DocumentSource.open(str(folder))
    files = source.list_files()

    spec = StageSpec(str(folder), settings, embedder, fingerprint)
    made = by_name([d for batch in RayStages(spec).run(files) for d in batch])

    with ParserProcess(settings) as parser:
        chunker = ChunkStage(
            source,
            parser.parse,
            TokenCounter(embedder.model_path),
            settings,
            content_hasher(fingerprint, settings),
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
