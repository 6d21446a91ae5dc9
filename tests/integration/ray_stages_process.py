"""python -m tests.integration.ray_stages_process FOLDER OUTPUT

Runs the stages on the installation's cluster and pickles the documents. A process of its own, as
the command line is: Ray reads its environment once, when it is first imported.
"""

import pickle
import sys
from pathlib import Path

from cluster.ingest_cluster import connect_to_ray
from cluster.reporting import Reporter
from config.settings import load_settings
from followup.backends.model_fingerprint import model_fingerprint
from ingestion.sources import DocumentSource


def main(folder: str, output: Path) -> None:
    """With float32, so that vectors can be compared."""
    settings = load_settings()
    embedder = settings.embedder.model_copy(update={"precision": "float32"})
    settings = settings.model_copy(update={"embedder": embedder})
    fingerprint = model_fingerprint(embedder)
    files = DocumentSource.open(folder).list_files()
    quiet = Reporter(quiet=True)
    with connect_to_ray(settings, folder, fingerprint, quiet, min_embedders=1) as stages:
        assert stages is not None
        made = [document for batch in stages.run(files) for document in batch]
    output.write_bytes(pickle.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
