"""The order of the nodes, and how sure a reply is."""

import pytest

from config.settings import load_settings
from followup.confidence import finetuned_confidence, hybrid_confidence, rag_confidence
from followup.errors import AdapterMissingError, LeadOptedOutError, PartUnavailableError
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.pipeline import FollowupReply, Pipeline
from followup.prompts import Approach
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


PASSAGES = (passage("a.md", 0.9), passage("b.md", 0.8), passage("a.md", 0.7), passage("c.md", 0.2))


async def write(
    approach: Approach, nodes: FakeNodes, adapter: str | None = None, **generation: float
) -> FollowupReply:
    request = FollowupRequest(
        tenant="default",
        approach=approach,
        lead=LEAD,
        retrieval=RetrievalOptions(retrieval_threshold=0.65),
        generation=GenerationOptions.model_validate(generation),
    )
    situation = PIPELINE.check(request, adapter)
    return await PIPELINE.write(request, nodes, adapter, situation)


def nodes(**options: object) -> FakeNodes:
    return FakeNodes(SETTINGS.compliance, PASSAGES, **options)  # type: ignore[arg-type]  # test data


async def test_rag_writes_one_candidate_from_the_documents() -> None:
    reply = await write(Approach.RAG, made := nodes())
    assert [plan.name for plan in made.plans] == ["base_documents"]
    assert reply.sources == ("a.md", "b.md")
    assert reply.confidence == reply.rag_confidence == pytest.approx((0.9 + 0.8 + 0.7) / 3)


async def test_hybrid_writes_with_and_without_the_adapter() -> None:
    reply = await write(Approach.HYBRID, made := nodes(), adapter="acme@0123456789ab")
    assert [plan.name for plan in made.plans] == ["base_documents", "adapter_documents"]
    assert reply.note is None
    assert reply.confidence == pytest.approx(0.6 * reply.rag_confidence + 0.4 * 1)


@pytest.mark.parametrize(
    ("weight", "plan"),
    [(0.0, "adapter"), (1.0, "base_documents")],
    ids=["pure adapter", "pure rag"],
)
async def test_the_ends_of_the_fusion_weight_are_the_pure_approaches(
    weight: float, plan: str
) -> None:
    made = nodes()
    await write(Approach.HYBRID, made, adapter="acme@0123456789ab", fusion_weight_rag=weight)
    assert [item.name for item in made.plans] == [plan]


async def test_finetuned_retrieves_nothing() -> None:
    made = nodes(failure=PartUnavailableError("Milvus is away."))
    reply = await write(Approach.FINETUNED, made, adapter="acme@0123456789ab")
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


async def test_weak_evidence_gives_the_conservative_reply() -> None:
    unsure = Pipeline(SETTINGS.scoring, SETTINGS.compliance, SETTINGS.prompts, 0.99)
    request = FollowupRequest(tenant="default", approach=Approach.RAG, lead=LEAD)
    reply = await unsure.write(request, nodes(), None, Situation.STANDARD)
    assert reply.fallback_reason == "low_confidence"
    assert (reply.sources, reply.confidence) == ((), 0)


def test_confidences_are_what_their_docstrings_say() -> None:
    assert rag_confidence([], 1) == 0
    assert rag_confidence(PASSAGES, 0.5) == pytest.approx((0.9 + 0.8 + 0.7) / 3 / 2)
    assert hybrid_confidence(0.8, 0.5, 0.6) == pytest.approx(0.68)
    assert finetuned_confidence(0.5, 0.7, 0.5) == pytest.approx(0.3)
