"""Messages that are sound, and messages with exactly one thing changed that makes them false."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.altered_messages.alterations import (
    Alteration,
    Alterer,
    Change,
    can_change,
    choose_donor,
)
from benchmarks.altered_messages.changes import Stated, stated_in
from benchmarks.altered_messages.documents import (
    NUM_PASSAGES,
    Ranking,
    as_passages,
    passage_text,
)
from benchmarks.altered_messages.facts import Fact, KnowledgeBase
from benchmarks.altered_messages.frames import Frame, Phrases
from benchmarks.altered_messages.sentences import Saying, say
from benchmarks.altered_messages.values import Value
from followup.lead import Lead
from followup.passage import Chunk, Passage

SOUND_SHARE = 0.45
_MAX_FACTS = 3
_TRIES = 400
_REQUEST_FACT_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ExamMessage:
    """A message, what it is held against, and what was changed in it."""

    knowledge_base: str
    change: Change
    what: str
    """The change in words; empty for a sound message."""
    altered: str
    """The sentence that is false, without what links it to its neighbours; empty if sound."""
    text: str
    lead: Lead
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The facts of a message and the chunks that state them."""

    target: Fact
    others: tuple[Fact, ...]
    donor: tuple[str, Fact, Value] | None
    chunks: tuple[Chunk, ...]


class MessageWriter:
    """Writes messages about one knowledge base; equal seeds give equal messages."""

    def __init__(self, knowledge_base: KnowledgeBase, phrases: Phrases, seed: int) -> None:
        self._knowledge_base = knowledge_base
        self._facts = knowledge_base.facts
        self._phrases = phrases
        self._draw = random.Random(f"{seed}:{self._facts.name}")  # noqa: S311 - no secret
        added = {kind: entry.sentences for kind, entry in phrases.added_addresses.items()}
        self._alterer = Alterer(knowledge_base, added, self._draw)
        self._ranking = Ranking(knowledge_base.chunks)

    def write(self, num_messages: int) -> list[ExamMessage]:
        """Different messages, sound ones and all kinds of change in equal numbers."""
        num_sound = round(num_messages * SOUND_SHARE)
        kinds = [change for change in Change if change is not Change.NONE]
        changes = [Change.NONE] * num_sound
        changes += [kinds[index % len(kinds)] for index in range(num_messages - num_sound)]
        texts: set[str] = set()
        return [self._write_new(change, texts) for change in changes]

    def _write_new(self, change: Change, texts: set[str]) -> ExamMessage:
        for _ in range(_TRIES):
            message = self._try(change)
            if message and message.text not in texts:
                texts.add(message.text)
                return message
        reason = f"no new message with the change '{change}' from the facts of {self._facts.name}"
        raise RuntimeError(reason)

    def _try(self, change: Change) -> ExamMessage | None:
        plan = self._plan(change)
        if plan is None:
            return None
        draw = self._draw
        sayings = [self._say(fact) for fact in (plan.target, *plan.others)]
        lead = self._lead([fact for fact in (plan.target, *plan.others) if fact.history])
        query = " ".join([lead.interaction_history, *(saying.text for saying in sayings)])
        num_missing = NUM_PASSAGES - len(plan.chunks)
        more = self._ranking.distractors(query, plan.chunks, num_missing, draw)
        passages = as_passages([*plan.chunks, *more], draw)
        sentences = [saying.text for saying in sayings]
        alteration = None
        if change is not Change.NONE:
            stated = stated_in(f"{passage_text(passages)}\n{_request_text(lead)}")
            alteration = self._alter(change, sayings[0], plan, stated)
            if alteration is None or alteration.written == alteration.true:
                return None
            sentences = ([] if alteration.true else sentences[:1]) + [
                alteration.written,
                *sentences[1:],
            ]
        return ExamMessage(
            knowledge_base=self._facts.name,
            change=change,
            what=alteration.what if alteration else "",
            altered=alteration.written if alteration else "",
            text=self._compose(sentences, lead),
            lead=lead,
            passages=passages,
        )

    def _plan(self, change: Change) -> _Plan | None:
        draw, base = self._draw, self._knowledge_base
        adds_address = change is Change.ADDRESS and draw.random() < 0.6
        is_free = change is Change.NONE or adds_address
        pool = [
            fact
            for fact in (*self._facts.facts, *self._facts.request_facts)
            if is_free or can_change(change, fact, base)
        ]
        requests = [fact for fact in pool if fact.history]
        documents = [fact for fact in pool if not fact.history]
        from_request = requests and (not documents or draw.random() < _REQUEST_FACT_SHARE)
        target = draw.choice(requests if from_request else documents)
        donor = choose_donor(target, base, draw) if change is Change.WRONG_SUBJECT else None
        others = self._other_facts(target, donor[1] if donor else None)
        needed = [*(fact for fact in (target, *others)), *([donor[1]] if donor else [])]
        chunks = {
            chunk.chunk_id: chunk
            for fact in needed
            if fact.sources
            for chunk in [draw.choice(base.support[fact.id])]
        }
        if len(chunks) >= NUM_PASSAGES:
            return None
        return _Plan(target, tuple(others), donor, tuple(chunks.values()))

    def _other_facts(self, target: Fact, donor: Fact | None) -> list[Fact]:
        """Up to two more facts; not the donor, whose own statement would be odd beside it."""
        others = [
            fact
            for fact in (*self._facts.facts, *self._facts.request_facts)
            if fact is not target and fact is not donor
        ]
        related = [fact for fact in others if fact.subject == target.subject]
        chosen: list[Fact] = []
        for _ in range(self._draw.randint(0, _MAX_FACTS - 1)):
            pool = related if related and self._draw.random() < 0.4 else others
            fact = self._draw.choice(pool)
            if fact not in chosen:
                chosen.append(fact)
        return chosen

    def _say(self, fact: Fact) -> Saying:
        return say(fact, self._facts, self._draw.choice(fact.sentences), self._draw)

    def _alter(
        self, change: Change, saying: Saying, plan: _Plan, stated: Stated
    ) -> Alteration | None:
        alterer = self._alterer
        match change:
            case Change.NEGATION:
                return alterer.negate(saying)
            case Change.WRONG_SUBJECT if plan.donor:
                slot, _, figure = plan.donor
                return alterer.take_figure(saying, slot, figure)
            case Change.PLAN | Change.CUSTOMER:
                return alterer.swap_subject(change, saying, stated)
            case Change.ADDRESS if not can_change(change, plan.target, self._knowledge_base):
                return alterer.add_address(stated)
            case _:
                return alterer.alter_value(change, saying, stated)

    def _lead(self, request_facts: Sequence[Fact]) -> Lead:
        draw = self._draw
        told = [self._history(fact) for fact in request_facts]
        history = draw.sample([draw.choice(self._phrases.histories), *told], len(told) + 1)
        first, last = draw.choice(self._phrases.leads)
        return Lead(
            lead_name=f"{first} {last}",
            product_name=self._facts.product,
            company_name=self._facts.company,
            product_category=self._facts.category,
            interaction_history=" ".join(history),
        )

    def _history(self, fact: Fact) -> str:
        template = self._draw.choice(fact.history)
        return say(fact, self._facts, template, self._draw, in_full=True).text

    def _compose(self, sentences: Sequence[str], lead: Lead) -> str:
        fields = {
            "lead": lead.lead_name.split()[0],
            "product": lead.product_name,
            "company": lead.company_name,
        }
        question = self._draw.choice(self._facts.questions) if self._draw.random() < 0.7 else ""
        mixed = self._draw.sample(list(sentences), len(sentences))
        return Frame(self._phrases, fields, self._draw).compose(mixed, question)


def _request_text(lead: Lead) -> str:
    return f"{lead.lead_name} {lead.product_name} {lead.company_name} {lead.interaction_history}"
