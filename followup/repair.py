"""Repairs a candidate: what no source supports is said in a source's own words, or left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from followup.evidence import (
    MAX_QUOTED,
    Quote,
    best_sentences,
    closest_quote,
    has_substance,
    quotes_of,
    says_again,
)
from followup.fusion import Repair
from followup.grounding import Verdict
from followup.lead import Lead
from followup.opening import accepts_a_no, is_courtesy, is_true_courtesy
from followup.passage import Passage
from followup.sentences import Unit, join_units, keep_units, split_units
from followup.situation import Situation
from followup.talk import checkable_part, tells_of_writer

LIST_LINE = re.compile(r"^(?:[-*•]|\d+[.)])\s|:$|\*\*")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A candidate's text as it could be sent, and what became of it."""

    text: str
    repair: Repair


@dataclass(frozen=True, slots=True)
class Draft:
    """A text of the model, and what is known that it can be held against."""

    text: str
    verdicts: Sequence[Verdict]
    """Those of this very text."""
    passages: Sequence[Passage]
    lead: Lead
    situation: Situation
    request: str
    opening: Sequence[str]
    """Sentences that open the message where the draft's own opening is not true."""
    offer: str
    """Ends a body of quotes, which answer as far as they go: the offer of a person."""
    likeness: Mapping[str, float] = field(default_factory=dict)
    """Cosine of quotable sentences with what the lead asked; empty where nobody measured it."""


def repair_text(draft: Draft) -> Repaired:
    """The draft with each unsupported sentence replaced by a quote, or dropped.

    Where nothing of substance is left of it, its body gives way to quotes that answer the lead;
    where none of them does, nothing is left. A lead who said no gets none: of a draft that does not
    accept the no, nothing is left.
    """
    quotes = quotes_of(draft.passages)
    kept = _supported(draft, quotes)
    text = join_units(kept)
    is_whole = text == join_units(split_units(draft.text))
    repair = Repair.NONE if is_whole else Repair.DROPPED
    if draft.situation is Situation.NOT_INTERESTED:
        return Repaired(text if accepts_a_no(text) else "", repair)
    # As it would be sent: thanks "for asking about the Growth plan" may give way to an opening.
    opened = _opened(kept, draft)
    if has_substance(opened, quotes, draft.lead, draft.likeness):
        return Repaired(opened, repair)
    answers = best_sentences(quotes, draft.lead, MAX_QUOTED, draft.likeness)
    if not answers:
        # From a price list no sentence can be quoted, and finetuned has no passages at all.
        return Repaired("" if quotes else text, repair)
    greeting = [unit for unit in kept[:1] if unit.is_greeting]
    courtesy = [unit for unit in kept if _opens(unit, draft)][:1]
    body = [*(Unit(answer, " ") for answer in answers), Unit(draft.offer, "\n\n")]
    return Repaired(_opened([*greeting, *courtesy, *body], draft), Repair.REWRITTEN)


def _supported(draft: Draft, quotes: Sequence[Quote]) -> list[Unit]:
    """The units that may stay: claims supported or replaced, thanks true.

    Items of a list and lines that announce one go: a message is plain sentences. So does what says
    again what was said, and a sign-off whose name is gone ("Best regards,").
    """
    units = _mended(split_units(draft.text), draft.verdicts, quotes)
    kept = [
        index
        for index, unit in enumerate(units)
        if not (
            _is_invented(unit, draft)
            or LIST_LINE.search(unit.text)
            or _is_repeated(unit, units[:index], draft.lead.product_name)
        )
    ]
    if kept and units[kept[-1]].is_sign_off and units[kept[-1]].text.endswith(","):
        kept.pop()
    return keep_units(units, kept)


def _is_repeated(unit: Unit, earlier: Sequence[Unit], product: str) -> bool:
    return _is_sentence(unit) and any(says_again(unit.text, one.text, product) for one in earlier)


def _mended(
    units: Sequence[Unit], verdicts: Sequence[Verdict], quotes: Sequence[Quote]
) -> list[Unit]:
    bad = {verdict.sentence_index for verdict in verdicts if not verdict.supported}
    texts = {unit.text for index, unit in enumerate(units) if index not in bad}
    mended, kept = [*units], []
    for index, unit in enumerate(units):
        if index in bad:
            quote = closest_quote(unit.text, [item for item in quotes if item.text not in texts])
            if not quote:
                continue
            texts.add(quote)
            mended[index] = replace(unit, text=quote)
        kept.append(index)
    return keep_units(mended, kept)


def _is_invented(unit: Unit, draft: Draft) -> bool:
    """Whether a sentence is polite about what never happened."""
    if unit.is_greeting or unit.is_sign_off or unit.text.endswith("?"):
        return False
    is_polite = is_courtesy(unit, draft.request) or tells_of_writer(unit.text)
    return is_polite and not is_true_courtesy(unit, draft.request)


def _opens(unit: Unit, draft: Draft) -> bool:
    """Whether a unit can open the message as it is: true politeness, in no special situation."""
    is_plain = draft.situation is Situation.STANDARD
    return is_plain and _is_sentence(unit) and is_courtesy(unit, draft.request)


def _is_sentence(unit: Unit) -> bool:
    return not (unit.is_greeting or unit.is_sign_off) and unit.text.endswith((".", "!"))


def _opened(units: Sequence[Unit], draft: Draft) -> str:
    """The units behind an opening: their own, or the given one."""
    greeting = [unit for unit in units[:1] if unit.is_greeting]
    body = [*units[len(greeting) :]]
    if not body or not _opens(body[0], draft):
        # Thanks behind an opening would open a second time.
        while body and _is_sentence(body[0]) and not checkable_part(body[0].text):
            body.pop(0)
        body = [*(Unit(text, " ") for text in draft.opening), *body]
    body[:1] = [replace(body[0], gap="\n\n")]
    return join_units([*greeting, *body])
