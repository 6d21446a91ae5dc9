"""The order of the nodes, second drafts, and how sure a reply is."""

import asyncio
import math
import time
from collections.abc import Sequence

import pytest

from config.settings import load_settings
from followup.confidence import finetuned_confidence, hybrid_confidence, rag_confidence
from followup.errors import (
    AdapterMissingError,
    FollowupError,
    LeadOptedOutError,
    OverloadedError,
    PartUnavailableError,
)
from followup.fusion import Candidate, CandidatePlan
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.pipeline import Pipeline
from followup.prompts import Approach, Prompt
from followup.reply import FollowupReply, SecondDraft
from followup.request import FollowupRequest, GenerationOptions, RetrievalOptions
from followup.situation import Situation
from tests.fakes import FakeNodes

SETTINGS = load_settings()
PIPELINE = Pipeline(SETTINGS.scoring, SETTINGS.compliance, SETTINGS.prompts, 0.65)
LEAD = Lead(
    lead_name="Sarah Johnson",
    product_name="AI Billing Software",
    interaction_history="Asked what the mid-tier plan costs.",
    lead_score=85,
)


def passage(document: str, score: float) -> Passage:
    chunk = Chunk(
        chunk_id=document, document=document, title="Plans", source_type="pricing", position=0,
        text="The Growth plan is the mid-tier plan and costs $299 per month.",
    )  # fmt: skip
    return Passage(chunk=chunk, score=score)


ADAPTER = "acme@0123456789ab"
PASSAGES = (passage("a.md", 0.9), passage("b.md", 0.8), passage("a.md", 0.7), passage("c.md", 0.2))


async def write(
    approach: Approach,
    nodes: FakeNodes,
    adapter: str | None = None,
    deadline: float = math.inf,
    **generation: float,
) -> FollowupReply:
    request = FollowupRequest(
        tenant="default",
        approach=approach,
        lead=LEAD,
        retrieval=RetrievalOptions(retrieval_threshold=0.65),
        generation=GenerationOptions.model_validate(generation),
    )
    situation = PIPELINE.check(request, adapter)
    return await PIPELINE.write(request, nodes, adapter, situation, deadline)


def nodes(**options: object) -> FakeNodes:
    return FakeNodes(SETTINGS.compliance, PASSAGES, **options)  # type: ignore[arg-type]  # test data


async def test_rag_writes_one_candidate_from_the_documents() -> None:
    reply = await write(Approach.RAG, made := nodes())
    assert [plan.name for plan in made.plans] == ["base_documents"]
    assert reply.sources == ("a.md", "b.md")
    assert reply.confidence == reply.rag_confidence == pytest.approx((0.9 + 0.8 + 0.7) / 3)


async def test_what_was_asked_is_embedded_without_the_product_and_with_it() -> None:
    class Listening(FakeNodes):
        async def embed(self, texts: tuple[str, ...]) -> list[float]:
            said.extend(texts)
            return await super().embed(texts)

        async def retrieve(
            self, tenant: str, query: str, vector: list[float], options: RetrievalOptions
        ) -> Sequence[Passage]:
            said.append(query)
            return await super().retrieve(tenant, query, vector, options)

    said: list[str] = []
    await write(Approach.RAG, Listening(SETTINGS.compliance, PASSAGES))
    question = "what the mid-tier plan costs"
    assert said == [
        question,
        f"{question}. AI Billing Software",
        f"{question}\nAI Billing Software",
    ]


EMPTY = "Hi Sarah,\n\nThank you for your interest. I would love to hear more."
ASIDE = "Every costs line shows what the plan is."
ANSWER = "Companies of medium size pay $299 a month."


class Comparing(FakeNodes):
    """Nodes that know which sentence answers, though another shares more of the lead's words."""

    def __init__(self, failure: Exception | None = None) -> None:
        chunk = PASSAGES[0].chunk.model_copy(update={"text": f"{ASIDE}\n\n{ANSWER}"})
        self.compared: list[str] = []
        self._broken = failure
        passages = [Passage(chunk=chunk, score=0.9)]
        super().__init__(SETTINGS.compliance, passages, lambda *_: EMPTY)

    async def likeness(self, question: str, texts: tuple[str, ...]) -> list[float]:
        self.compared += [question, *texts]
        if self._broken is not None:
            raise self._broken
        return [0.8 if text == ANSWER else 0.05 for text in texts]


async def test_the_sentence_that_is_like_the_question_is_quoted_not_the_one_of_its_words() -> None:
    reply = await write(Approach.RAG, made := Comparing())
    assert ANSWER in reply.message
    assert ASIDE not in reply.message
    assert made.compared == ["what the mid-tier plan costs", ASIDE, ANSWER]


@pytest.mark.parametrize(
    "failure",
    [OverloadedError("busy", retry_after_seconds=1), TimeoutError()],
    ids=["busy", "late"],
)
async def test_where_sentences_cannot_be_compared_the_words_decide(failure: Exception) -> None:
    reply = await write(Approach.RAG, Comparing(failure))
    assert ASIDE in reply.message
    assert not reply.fallback


async def test_hybrid_writes_with_and_without_the_adapter() -> None:
    reply = await write(Approach.HYBRID, made := nodes(), adapter=ADAPTER)
    assert [plan.name for plan in made.plans] == ["base_documents", "adapter_documents"]
    assert reply.note is None
    assert reply.confidence == pytest.approx(0.6 * reply.rag_confidence + 0.4 * 1)


def wrote(prompt: Prompt, adapter: str | None) -> str:
    """A text that tells who wrote it, and from which prompt."""
    voice = "our billing specialists" if adapter else "your interest"
    place = " and for asking about the plan" if "Documents" in prompt.user else ""
    return f"{prompt.reply_start} {voice}{place} ({len(prompt.user)} letters)."


@pytest.mark.parametrize(
    ("weight", "pure"),
    [(0.0, Approach.FINETUNED), (1.0, Approach.RAG)],
    ids=["adapter alone", "documents alone"],
)
async def test_the_ends_of_the_fusion_weight_are_the_pure_approaches(
    weight: float, pure: Approach
) -> None:
    hybrid, alone = nodes(write=wrote), nodes(write=wrote)
    asked = {"fusion_weight_rag": weight, "require_grounding": False}
    reply = await write(Approach.HYBRID, hybrid, ADAPTER, math.inf, **asked)
    expected = await write(pure, alone, ADAPTER, math.inf, **asked)
    assert hybrid.prompts == alone.prompts
    assert hybrid.plans == alone.plans
    assert (reply.message, reply.sources) == (expected.message, expected.sources)
    assert reply.candidates == expected.candidates


async def test_between_the_ends_each_candidate_is_shown_with_its_score_and_parts() -> None:
    reply = await write(Approach.HYBRID, nodes(), ADAPTER)
    assert [item.name for item in reply.candidates] == ["base_documents", "adapter_documents"]
    for item in reply.candidates:
        assert item.quality == item.quality_parts.mean
        assert item.score == pytest.approx(0.6 * item.grounding + 0.4 * item.quality)


async def test_finetuned_retrieves_nothing() -> None:
    made = nodes(failure=PartUnavailableError("Milvus is away."))
    reply = await write(Approach.FINETUNED, made, adapter=ADAPTER)
    assert reply.sources == ()
    assert "Documents" not in made.prompts[0].user


async def test_finetuned_needs_an_adapter() -> None:
    with pytest.raises(AdapterMissingError, match="lead-assistant train publish"):
        await write(Approach.FINETUNED, nodes())


def test_an_opted_out_lead_costs_no_work() -> None:
    request = FollowupRequest(
        tenant="default",
        approach=Approach.RAG,
        lead=LEAD.model_copy(update={"interaction_history": "Take me off your list."}),
    )
    with pytest.raises(LeadOptedOutError, match="asked not to be contacted"):
        PIPELINE.check(request, None)


async def test_an_error_of_a_node_is_raised_as_it_is() -> None:
    with pytest.raises(PartUnavailableError, match="Milvus is away"):
        await write(Approach.RAG, nodes(failure=PartUnavailableError("Milvus is away.")))


TABLE = passage("a.md", 0.9).model_copy(
    update={"chunk": PASSAGES[0].chunk.model_copy(update={"text": "Plan | Price\nGrowth | $299"})}
)
BAD = 'Hi Sarah,\n\nWe won 90 awards on Mars <|im_end|> with "ease".'
GOOD = "Hi Sarah,\n\nThank you for asking about the mid-tier plan."


class Drafting(FakeNodes):
    """Writes BAD first; the second draft is `second`, or fails, and each takes `seconds`."""

    def __init__(self, second: str | FollowupError = GOOD, seconds: float = 0.0) -> None:
        super().__init__(SETTINGS.compliance, [TABLE])
        self._second = second
        self._seconds = seconds

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        draft = await super().generate(plan, prompt, options, adapter)
        is_second = len(self.prompts) > 1
        # No time is simulated here but that which the pipeline measures and keeps.
        await asyncio.sleep(self._seconds * (1_000 if is_second else 1))
        if not is_second:
            return draft.model_copy(update={"text": BAD})
        if isinstance(self._second, FollowupError):
            raise self._second
        return draft.model_copy(update={"text": self._second})


async def test_where_no_draft_can_be_sent_a_second_is_told_the_faults_of_the_first() -> None:
    made = Drafting()
    reply = await write(Approach.RAG, made)
    assert (reply.second_draft, reply.fallback) == (SecondDraft.SENT, False)
    assert "Thank you for asking about the mid-tier plan." in reply.message
    assert [item.name for item in reply.candidates] == ["base_documents", "base_documents_second"]
    assert (reply.num_prompt_tokens, reply.num_completion_tokens) == (200, 40)
    first, second = made.prompts
    assert second.system == first.system
    assert "\"We won 90 awards on Mars with 'ease'.\"" in second.user
    assert "<|im_end|>" not in second.user


async def test_two_bad_drafts_give_the_conservative_reply() -> None:
    made = Drafting(second=BAD)
    reply = await write(Approach.RAG, made)
    assert len(made.prompts) == 2
    assert (reply.second_draft, reply.fallback_reason) == (
        SecondDraft.NO_BETTER,
        "no_sound_candidate",
    )


async def test_no_second_draft_is_begun_that_the_time_left_cannot_hold() -> None:
    made = Drafting(seconds=0.2)
    reply = await write(Approach.RAG, made, deadline=time.monotonic() + 0.3)
    assert len(made.prompts) == 1
    assert (reply.second_draft, reply.fallback) == (SecondDraft.NO_TIME, True)


async def test_a_second_draft_that_takes_too_long_is_given_up_within_the_deadline() -> None:
    await write(Approach.RAG, nodes())  # loading the dictionary once is no part of the time
    made = Drafting(seconds=0.05)
    deadline = time.monotonic() + 2
    reply = await write(Approach.RAG, made, deadline=deadline)
    assert time.monotonic() < deadline
    assert len(made.prompts) == 2
    assert (reply.second_draft, reply.fallback) == (SecondDraft.FAILED, True)


async def test_a_second_draft_that_fails_costs_nothing_but_itself() -> None:
    full = OverloadedError("The queue is full.", retry_after_seconds=1)
    reply = await write(Approach.RAG, Drafting(second=full))
    assert (reply.second_draft, reply.fallback) == (SecondDraft.FAILED, True)


async def test_a_sound_draft_is_not_written_again() -> None:
    reply = await write(Approach.RAG, made := nodes())
    assert len(made.prompts) == 1
    assert reply.second_draft is SecondDraft.NOT_NEEDED


async def test_weak_evidence_gives_the_conservative_reply() -> None:
    unsure = Pipeline(SETTINGS.scoring, SETTINGS.compliance, SETTINGS.prompts, 0.99)
    request = FollowupRequest(tenant="default", approach=Approach.RAG, lead=LEAD)
    reply = await unsure.write(request, nodes(), None, Situation.STANDARD, math.inf)
    assert reply.fallback_reason == "low_confidence"
    assert (reply.sources, reply.confidence) == ((), 0)


def test_confidences_are_what_their_docstrings_say() -> None:
    assert rag_confidence([], 1) == 0
    assert rag_confidence(PASSAGES, 0.5) == pytest.approx((0.9 + 0.8 + 0.7) / 3 / 2)
    assert hybrid_confidence(0.8, 0.5, 0.6) == pytest.approx(0.68)
    assert finetuned_confidence(0.5, 0.7, 0.5) == pytest.approx(0.3)
