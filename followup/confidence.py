"""How sure a reply is, 0 to 1, always computed from what was measured for this very request."""

from collections.abc import Sequence

from followup.passage import Passage

NUM_TOP_PASSAGES = 3


def rag_confidence(passages: Sequence[Passage], supported_share: float) -> float:
    """Mean calibrated relevance of the three best passages x the share of supported claims.

    The claims are those of the message as sent. 0 where nothing was retrieved.
    """
    if not passages:
        return 0.0
    best = sorted((passage.score for passage in passages), reverse=True)[:NUM_TOP_PASSAGES]
    return sum(best) / len(best) * supported_share


def finetuned_confidence(
    strategy_confidence: float, quality: float, supported_share: float
) -> float:
    """Mean of strategy confidence and the candidate's quality x the share of supported claims."""
    return (strategy_confidence + quality) / 2 * supported_share


def hybrid_confidence(rag: float, strategy_confidence: float, fusion_weight_rag: float) -> float:
    """weight x rag confidence + (1 - weight) x strategy confidence."""
    return fusion_weight_rag * rag + (1 - fusion_weight_rag) * strategy_confidence
