"""python -m examples.training.make_conversations [FILE] [--rows N] [--seed N]

Writes the training CSV of the example company: leads, the passages that serving would retrieve for
them, and replies made of sentences of those passages. Each reply has passed the same checks as a
message that is sent: every claim supported, every rule kept, nothing to repair.
"""

import argparse
import csv
import io
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.settings import Settings, load_settings
from examples.training.knowledge import KnowledgeBase
from examples.training.questions import as_own_question
from followup.backends.embedder import Embedder
from followup.compliance import check_rules
from followup.fusion import Candidate
from followup.lead import CompanySize, EngagementPattern, Lead, LeadStage, Tone
from followup.message import greeting_name
from followup.passage import Passage
from followup.scoring import Strategy, score_lead
from followup.sentences import split_sentences
from followup.situation import Situation, detect_situation
from followup.validation import ValidationTask, validate

FOLDER = Path(__file__).parent
DEFAULT_FILE = FOLDER / "techcorp_conversations.csv"
NUM_ROWS = 460
SEED = 7
COMPANY, PRODUCT, CATEGORY = "TechCorp", "AI Billing Software", "billing software"
SHARE_WITHOUT_DOCUMENTS = 0.22
MAX_WITHOUT_DOCUMENTS = 92
"""The rest of those is left out, lest an adapter learn to offer an answer instead of giving it."""
SHARE_TWO_QUESTIONS = 0.3
SHARE_SECOND_FACT = 0.55
EVEN = 0.5
MAX_TRIES = 60
SITUATIONS = {
    Situation.STANDARD: 0.62,
    Situation.PRICE_OBJECTION: 0.1,
    Situation.COMPETITOR_NAMED: 0.08,
    Situation.SILENT: 0.08,
    Situation.COLD: 0.07,
    Situation.NOT_INTERESTED: 0.05,
}
SCORES = {  # of a lead in no special situation
    Strategy.HIGH_INTENT: (70, 98),
    Strategy.MEDIUM_INTENT: (40, 69),
    Strategy.LOW_INTENT: (21, 39),
}
_THANKS_FOR_WORDS = re.compile(r"Thank you for (?:asking (?!about)|asking about )[^.]*\.")
BACK_REFERENCES = ("It ", "They ", "The service goes", "The old system")
COLUMNS = (
    "lead_id", "lead_name", "product", "industry", "lead_score", "interaction_history",
    "successful_response", "company_name", "product_category", "lead_stage", "company_size",
    "engagement_pattern", "days_since_contact", "tone_required", "objections_raised",
    "geographic_region", "passages",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a lead asks, and the beginnings of the sentences that answer it."""

    clause: str
    answers: Sequence[str]
    more: Sequence[str]

    @property
    def kind(self) -> str:
        """Whether the words around it are those of a noun or of a clause."""
        words = ("whether", "how", "what", "which", "when", "where", "who")
        return "clause" if self.clause.split()[0] in words else "noun"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row before it is written."""

    lead: Lead
    passages: tuple[Passage, ...]
    response: str


class Writer:
    """Draws conversations until they pass the checks."""

    def __init__(self, settings: Settings, knowledge: KnowledgeBase, seed: int) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._draw = random.Random(seed)  # noqa: S311 - examples, not secrets
        topics = yaml.safe_load((FOLDER / "topics.yaml").read_text(encoding="utf-8"))
        self._words: dict[str, Any] = yaml.safe_load(
            (FOLDER / "wording.yaml").read_text(encoding="utf-8")
        )
        self._topics = [
            [Question(ask, topic["answers"], topic["more"]) for ask in topic["asks"]]
            for topic in topics
        ]
        self._queue: list[Question] = []
        self.num_refused = 0

    def conversations(self, num_rows: int) -> Iterator[Conversation]:
        """So many, no two replies and no two histories alike."""
        seen: set[str] = set()
        for _ in range(num_rows):
            for _try in range(MAX_TRIES):
                made = self._try()
                if made and not {made.response, made.lead.interaction_history} & seen:
                    seen |= {made.response, made.lead.interaction_history}
                    yield made
                    break
                self.num_refused += 1
            else:
                message = f"No sound conversation in {MAX_TRIES} tries."
                raise RuntimeError(message)

    def _try(self) -> Conversation | None:
        [situation] = self._draw.choices([*SITUATIONS], [*SITUATIONS.values()])
        questions = [self._question()]
        if situation is Situation.STANDARD and self._draw.random() < SHARE_TWO_QUESTIONS:
            questions.append(self._question())
        lead = self._lead(situation, questions)
        if detect_situation(lead, self._settings.compliance) is not situation:
            return None
        without = self._draw.random() < SHARE_WITHOUT_DOCUMENTS
        passages = () if without else self._knowledge.passages_for(lead)
        if not without and not passages:
            return None
        facts = [] if without else self._facts(situation, questions, passages)
        if facts is None:
            return None
        response = self._reply(lead, situation, questions, facts)
        made = Conversation(lead, passages, response)
        return made if self.is_sound(made) else None

    def _question(self) -> Question:
        """Topics in turn, each with another of its questions."""
        if not self._queue:
            self._queue = [self._draw.choice(topic) for topic in self._topics]
            self._draw.shuffle(self._queue)
        return self._queue.pop()

    def _lead(self, situation: Situation, questions: Sequence[Question]) -> Lead:
        draw, words = self._draw, self._words
        industry = draw.choice(words["industries"])
        background = _fill(draw.choice(words["background"]), industry)
        asked = [
            draw.choice(words["also" if place else "asked"][item.kind]).format(ask=item.clause)
            for place, item in enumerate(questions)
        ]
        told = [draw.choice(words["situations"].get(situation.value, [""]))]
        history = " ".join(part for part in (background, *asked, *told) if part)
        strategy = draw.choice([*SCORES])
        low, high = (5, 18) if situation is Situation.COLD else SCORES[strategy]
        price = situation is Situation.PRICE_OBJECTION
        return Lead(
            lead_name=f"{draw.choice(words['first_names'])} {draw.choice(words['last_names'])}",
            product_name=PRODUCT,
            interaction_history=history,
            lead_stage=draw.choice(
                [LeadStage.AWARENESS, LeadStage.CONSIDERATION, LeadStage.DECISION]
            ),
            lead_score=draw.randint(low, high),
            days_since_contact=draw.randint(1, 60),
            tone_required=draw.choice([*Tone]),
            company_name=COMPANY,
            product_category=CATEGORY,
            lead_industry=industry,
            company_size=draw.choice([*CompanySize]),
            engagement_pattern=draw.choice(
                [item for item in EngagementPattern if item is not EngagementPattern.SILENT]
            ),
            objections_raised=("too expensive",) if price and draw.random() < EVEN else (),
            geographic_region=draw.choice(words["regions"]),
        )

    def _facts(
        self, situation: Situation, questions: Sequence[Question], passages: Sequence[Passage]
    ) -> list[str] | None:
        """Sentences of the passages that answer; None where the first question has no answer."""
        if situation is Situation.NOT_INTERESTED:
            return []
        texts = [split_sentences(passage.chunk.text) for passage in passages]
        facts: list[str] = []
        for question in questions:
            answers = _found(question.answers, texts)
            if not answers:
                return None
            facts.append(self._draw.choice(answers[:2]))
            further = [
                fact for fact in _found(question.more, texts, after=facts[-1]) if fact not in facts
            ]
            if len(questions) == 1 and further and self._draw.random() < SHARE_SECOND_FACT:
                facts.append(self._draw.choice(further))
        return facts

    def _reply(
        self,
        lead: Lead,
        situation: Situation,
        questions: Sequence[Question],
        facts: Sequence[str],
    ) -> str:
        draw, words = self._draw, self._words
        first, strategy = questions[0], score_lead(lead, self._settings.scoring).strategy
        is_special = situation.value in words["thanks"]
        thanks = draw.choice(words["thanks"][situation.value if is_special else first.kind])
        body = [f"Thank you for{thanks.format(ask=first.clause)}"]
        if is_special:
            body.append(draw.choice(words["after_thanks"][situation.value]))
        body += facts
        if not facts and situation is not Situation.NOT_INTERESTED:
            body.append(_fill(draw.choice(words["offers"]), lead.lead_industry))
        end = []
        if strategy.value in words["questions"] and situation in {
            Situation.STANDARD,
            Situation.PRICE_OBJECTION,
            Situation.COMPETITOR_NAMED,
        }:
            question = draw.choice(words["questions"][strategy.value])
            end.append(_fill(question, lead.lead_industry))
        closes = words["closes"]
        if situation in {Situation.NOT_INTERESTED, Situation.SILENT}:
            end.append(draw.choice(closes[situation.value]))
        elif end or draw.random() < EVEN:
            end.append(draw.choice(closes[lead.tone_required.value]))
        else:
            end.append(draw.choice(closes["low_intent"]))
        paragraphs = (
            f"Hi {greeting_name(lead)},",
            " ".join(part for part in body if part),
            " ".join(end),
        )
        return "\n\n".join(paragraphs)

    def is_sound(self, made: Conversation) -> bool:
        """Whether serving would send the reply, and in its own words."""
        compliance = self._settings.compliance
        situation = detect_situation(made.lead, compliance)
        if check_rules(made.response, made.lead, situation, compliance):
            return False
        candidate = Candidate(name="example", text=made.response, truncated=False)
        task = ValidationTask(
            lead=made.lead,
            situation=situation,
            passages=made.passages,
            candidates=(candidate,),
            fusion_weight=self._settings.models.fusion_weight_rag,
        )
        found = validate(task, compliance)
        if found.fallback_reason is not None or not all(v.supported for v in found.verdicts):
            return False
        return all(sentence in found.message for sentence in split_sentences(made.response))


def _fill(text: str, industry: str) -> str:
    article = "an" if industry[0] in "aeiou" else "a"
    return text.format(industry=industry, article=article)


def _found(
    beginnings: Sequence[str], texts: Sequence[Sequence[str]], after: str | None = None
) -> list[str]:
    """Sentences that begin so. One that speaks of the sentence before it must follow `after`."""
    found = []
    for beginning in beginnings:
        for sentences in texts:
            for before, sentence in zip(("", *sentences), sentences, strict=False):
                if not sentence.startswith(beginning):
                    continue
                if not sentence.startswith(BACK_REFERENCES) or before == after:
                    found.append(sentence)
    return list(dict.fromkeys(found))


def with_documents_first(made: Iterable[Conversation]) -> Iterator[Conversation]:
    """All with documents, and the first MAX_WITHOUT_DOCUMENTS without, in their order."""
    num_without = 0
    for conversation in made:
        num_without += not conversation.passages
        if conversation.passages or num_without <= MAX_WITHOUT_DOCUMENTS:
            yield conversation


def in_own_words(made: Iterable[Conversation], writer: Writer, seed: int) -> Iterator[Conversation]:
    """Every other conversation with the lead's own question instead of a note about it.

    The passages stay those of the note. A reply that thanks for the question's words thanks for the
    question; where the checks then refuse the reply, the conversation stays as it was.
    """
    draw = random.Random(seed)  # noqa: S311 - examples, not secrets
    for conversation in made:
        changed = conversation
        if draw.random() < EVEN:
            history = as_own_question(conversation.lead.interaction_history, draw)
            changed = Conversation(
                conversation.lead.model_copy(update={"interaction_history": history}),
                conversation.passages,
                _THANKS_FOR_WORDS.sub("Thank you for your question.", conversation.response, 1),
            )
        yield changed if writer.is_sound(changed) else conversation


def to_csv(conversations: Sequence[Conversation]) -> str:
    """The CSV that `train prepare` reads."""
    file = io.StringIO()
    rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for number, made in enumerate(conversations, start=1):
        lead = made.lead.model_dump(mode="json")
        passages = [
            {
                "document": passage.chunk.document,
                "title": passage.chunk.title,
                "section": passage.chunk.section,
                "text": passage.chunk.text,
            }
            for passage in made.passages
        ]
        rows.writerow(
            {
                **{name: lead[name] for name in COLUMNS if name in lead},
                "lead_id": f"techcorp-{number:04}",
                "product": made.lead.product_name,
                "industry": made.lead.lead_industry,
                "objections_raised": "; ".join(made.lead.objections_raised),
                "successful_response": made.response,
                "passages": json.dumps(passages, ensure_ascii=False) if passages else "",
            }
        )
    return file.getvalue()


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--rows", type=int, default=NUM_ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    settings = load_settings()
    writer = Writer(settings, KnowledgeBase(Embedder(settings.embedder)), options.seed)
    drawn = with_documents_first(writer.conversations(options.rows))
    made = list(in_own_words(list(drawn), writer, options.seed))
    options.file.write_text(to_csv(made), encoding="utf-8")
    print(f"{len(made)} conversations in {options.file}; {writer.num_refused} drafts refused")


if __name__ == "__main__":
    main()
