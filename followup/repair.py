"""Repairs a candidate: what no source supports is said in a source's own words, or left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from followup.evidence import has_substance, plain_sentences, write_from_evidence
from followup.fusion import Repair
from followup.grounding import Verdict
from followup.lead import Lead
from followup.passage import Passage
from followup.sentences import Unit, join_units, keep_units, split_units
from followup.situation import Situation
from followup.statements import COURTESY, drop_unsupported_statements
from followup.vocabulary import content_stems

MIN_SHARED_WORDS = 2
MIN_SHARED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Repaired:
    """A candidate's text as it could be sent, and what became of it."""

    text: str
    repair: Repair


def repair_text(
    text: str,
    verdicts: Sequence[Verdict],
    passages: Sequence[Passage],
    lead: Lead,
    situation: Situation,
    request: str,
) -> Repaired:
    """The text with each unsupported sentence replaced by evidence, or dropped.

    `verdicts` are those of this very text. Where nothing of substance is left of it, its body gives
    way to quotes of the passages; a lead who said no gets none.
    """
    units = split_units(text)
    mended = _mended(units, verdicts, passages)
    kept = drop_unsupported_statements(join_units(mended), passages, request)
    if situation is Situation.NOT_INTERESTED or has_substance(kept, passages, lead):
        is_whole = kept == join_units(units)
        return Repaired(kept, Repair.NONE if is_whole else Repair.DROPPED)
    return Repaired(write_from_evidence(kept, passages, lead), Repair.REWRITTEN)


def _mended(
    units: Sequence[Unit], verdicts: Sequence[Verdict], passages: Sequence[Passage]
) -> list[Unit]:
    bad = {verdict.sentence_index for verdict in verdicts if not verdict.supported}
    evidence = plain_sentences(passages)
    texts = {unit.text for index, unit in enumerate(units) if index not in bad}
    mended, kept = [*units], []
    for index, unit in enumerate(units):
        if index in bad:
            quote = closest_sentence(unit.text, [item for item in evidence if item not in texts])
            if not quote:
                continue
            texts.add(quote)
            mended[index] = replace(unit, text=quote)
        kept.append(index)
    return keep_units(mended, kept)


def closest_sentence(sentence: str, evidence: Sequence[str]) -> str:
    """The evidence that shares most informative words with a sentence, or "".

    At least two words and half of the sentence's must be shared: what says something else is no
    rewriting of it. In a tie the shorter evidence wins.
    """
    words = content_stems(sentence) - COURTESY
    needed = max(MIN_SHARED_WORDS, MIN_SHARED_SHARE * len(words))
    shared = {item: len(words & content_stems(item)) for item in evidence}
    fitting = [item for item in evidence if shared[item] >= needed]
    return max(fitting, key=lambda item: (shared[item], -len(item)), default="")
