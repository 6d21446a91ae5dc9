"""Retrieval: python -m benchmarks.retrieval  (make bench-retrieval)

(a) scifact: nDCG@10, recall@100 and ms a query of dense, BM25, fused, fused + built-in reranker,
    and of what is served, which also leaves out near-equal passages and prefers different ones. On
    the test claims where the folder has qrels_test.tsv, and on the third of the train claims that
    the reranker was not fitted on;
(b) kb_gitpod: recall@5 of 60 questions through ingestion and store, half of them held out; versions
    of one page in the top 5; what the default threshold lets through;
(c) the example leads: whether the query made of a lead finds the document that answers it.

Needs BENCH_DATA, the folder that holds scifact/ and kb_gitpod/. Vectors are kept in
.lead-assistant/benchmark_vectors, so that only the first run embeds.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.data import require_data
from benchmarks.results import write_results

COMMAND = "python -m benchmarks.retrieval"


def main() -> int:
    """Run all three; exit code 1 when a target is missed, 2 when the data are not there."""
    data = require_data("scifact", "kb_gitpod")
    from benchmarks.cached_vectors import CachedEmbedder
    from benchmarks.question_retrieval import measure_leads, measure_questions
    from benchmarks.scifact_retrieval import measure_scifact
    from followup.backends.embedder import Embedder
    from followup.backends.settings import EmbedderSettings
    from tests.integration.milvus_server import milvus_server
    from tests.integration.models import embedding_model_path

    settings = EmbedderSettings(model_name="all-MiniLM-L6-v2", model_path=embedding_model_path())
    embedder = CachedEmbedder(Embedder(settings))
    measurements, targets = [], []
    with tempfile.TemporaryDirectory() as folder, milvus_server(Path(folder)) as server:
        for measure in (measure_questions, measure_leads, measure_scifact):
            rows, goals = asyncio.run(measure(server.uri, embedder, data))
            measurements += rows
            targets += goals
    write_results("retrieval", COMMAND, measurements, targets)
    return 0 if all(target.met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
