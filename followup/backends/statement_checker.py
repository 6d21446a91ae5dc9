"""Builds the checker of plain statements with the models that the settings name."""

from followup.backends.settings import StatementSettings
from followup.statements import StatementChecker


def build_statement_checker(settings: StatementSettings) -> StatementChecker:
    """Without a model, with the embedding model's word vectors, or with a judge model.

    The models are imported only where one is used: without them the checker is plain computation.
    Raises SettingError where a named model is not there.
    """
    aligner = judge = None
    if settings.embedder is not None:
        from followup.backends.alignment import EmbeddingAligner  # noqa: PLC0415
        from followup.backends.embedder import Embedder  # noqa: PLC0415

        # One thread: beside an engine a second one only spins, and a few sentences are soon read.
        aligner = EmbeddingAligner(Embedder(settings.embedder, num_threads=1))
    if settings.judge_model_path is not None:
        from followup.backends.inference_judge import InferenceJudge  # noqa: PLC0415

        judge = InferenceJudge(settings.judge_model_path, settings.device)
    return StatementChecker(aligner, judge)
