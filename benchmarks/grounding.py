"""Grounding: python -m benchmarks.grounding  (make bench-grounding)

(a) messages over two knowledge bases, sound ones and ones with one thing changed: which are caught,
    which falsely accused, next to a plain comparison of figures;
(b) the time that the validator adds to a reply;
(c) BEGIN's development data in BENCH_DATA, five-fold: is a reply attributable to its source?

Other sets: --seed N and --count N write other messages of the same facts, --facts FILE (more than
once) takes other facts files; benchmarks/altered_messages/README.md describes them. The folder of
facts/gitpod.yaml lies in BENCH_DATA.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.data import EXIT_NO_DATA, require_data
from benchmarks.results import Target, write_results

COMMAND = "python -m benchmarks.grounding"


def main(
    seed: Annotated[int, typer.Option(help="Another seed gives other messages.")] = 7,
    count: Annotated[int, typer.Option(min=100, help="Messages in all.")] = 2400,
    facts: Annotated[
        list[Path] | None, typer.Option(help="A facts file; may be given more than once.")
    ] = None,
) -> None:
    """Run all parts; exit code 1 when a target is missed, 2 when data or a model is missing."""
    data = require_data("begin_dev", *(() if facts else ("kb_gitpod",)))
    from benchmarks.altered_messages.facts import FactsError
    from benchmarks.altered_messages.sets import FACTS_FILES
    from benchmarks.altered_replies import measure_altered_messages
    from benchmarks.attribution import measure_attribution
    from benchmarks.validation_latency import measure_validation_latency
    from config.settings import load_settings
    from followup.backends.alignment import EmbeddingAligner
    from followup.backends.embedder import Embedder

    settings = load_settings()
    embedder = Embedder(settings.embedder, num_threads=1)  # as the validator has it
    count_tokens, aligner = embedder.count_tokens_batch, EmbeddingAligner(embedder)
    files = tuple(facts or FACTS_FILES)
    measurements: list[dict[str, Any]] = []
    targets: list[Target] = []
    try:
        for rows, goals in (
            measure_altered_messages(files, count, seed, count_tokens),
            measure_validation_latency(files, settings, seed, count_tokens, aligner),
            measure_attribution(data, aligner),
        ):
            measurements += rows
            targets += goals
    except FactsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_NO_DATA) from error
    given = "".join(f" --facts {path}" for path in facts or ())
    write_results(
        "grounding", f"{COMMAND} --seed {seed} --count {count}{given}", measurements, targets
    )
    raise typer.Exit(0 if all(target.met for target in targets) else 1)


if __name__ == "__main__":
    typer.run(main)
