"""Plain statements: which are checked, how probably they are supported, and by which words."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.alignment import Alignment
from followup.claims import ClaimKind
from followup.grounding import Verdict, check_claims, drop_unsupported
from followup.overlap import FEATURES, overlap_features, read_text
from followup.statements import StatementChecker
from followup.support_model import load_support_model
from tests.unit.passages import PASSAGES, REQUEST, passage

INVOICING = passage(
    "features/invoicing.md",
    "Invoices are matched to payments every night. A reminder goes out when an invoice is late. "
    "Your finance team sees every open invoice on one page. You need no credit card for the trial.",
    title="Invoicing",
)
SOURCES = (*PASSAGES, INVOICING)


def statements(
    message: str, checker: StatementChecker | None = None, request: str = REQUEST
) -> list[Verdict]:
    found = check_claims(message, SOURCES, request, checker or StatementChecker())
    return [verdict for verdict in found if verdict.kind is ClaimKind.STATEMENT]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Hi Sarah,", id="greeting"),
        pytest.param("Best regards,\nAnna", id="sign-off"),
        pytest.param("Thank you for your interest!", id="courtesy"),
        pytest.param("I would be happy to walk you through AI Billing Software.", id="own-names"),
        pytest.param("Shall we look at the reminders together?", id="question"),
        pytest.param("The Growth plan costs $299 per month.", id="decided-by-its-figure"),
        pytest.param("", id="empty"),
    ],
)
def test_what_states_nothing_to_check_has_no_statement_verdict(message: str) -> None:
    assert statements(message) == []


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Invoices are matched to payments every night.", id="quoted"),
        pytest.param("Every night your invoices are matched to payments.", id="reordered"),
        pytest.param("Your team sees every open invoice on one page.", id="shortened"),
        pytest.param("A reminder goes out when an invoice is late.", id="one-clause"),
    ],
)
def test_a_statement_of_a_source_is_supported_and_names_it(message: str) -> None:
    (verdict,) = statements(message)
    assert verdict.supported
    assert verdict.source == "features/invoicing.md"
    assert "invoice" in verdict.evidence.lower()
    assert verdict.probability is not None
    assert verdict.value == f"{verdict.probability:.2f}"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("We loved the concert on Mars.", id="other-subject"),
        pytest.param(
            "Our award-winning engineers built a neural network for forecasting.", id="invented"
        ),
    ],
)
def test_a_statement_of_no_source_is_not_supported(message: str) -> None:
    (verdict,) = statements(message)
    assert not verdict.supported
    assert verdict.evidence == ""
    assert "too little" in verdict.reason
    assert statements(message, request=f"{REQUEST}\n{message}")[0].source == "request"


def test_two_joined_facts_may_come_from_two_sources() -> None:
    joined = "A reminder goes out when an invoice is late, and {} is part of the Growth plan."
    (verdict,) = statements(joined.format("payment recovery"))
    assert verdict.supported
    (verdict,) = statements(joined.format("payroll for astronauts from several planets"))
    assert not verdict.supported


def test_a_statement_that_a_source_contradicts_is_not_supported_however_alike() -> None:
    (verdict,) = statements("You need a credit card for the trial.")
    assert not verdict.supported
    assert verdict.reason == (
        "features/invoicing.md says the opposite: You need no credit card for the trial."
    )
    assert verdict.probability is None


def test_a_figure_that_is_denied_is_contradicted() -> None:
    (verdict,) = statements("The Growth plan does not cost $299 per month.")
    assert not verdict.supported


def test_more_of_the_same_words_means_a_higher_probability() -> None:
    probabilities = [
        statements(message)[0].probability or 0
        for message in (
            "Invoices are matched to payments every night.",
            "Invoices are matched to refunds every night.",
            "Robots are matched to refunds every winter.",
        )
    ]
    assert probabilities == sorted(probabilities, reverse=True)


def test_without_a_checker_statements_are_left_out() -> None:
    assert check_claims("We loved the concert in spring.", SOURCES, REQUEST)
    assert not check_claims("We loved the concert in spring.", SOURCES, REQUEST, statements=None)


def test_unsupported_statements_leave_the_message() -> None:
    message = "Hi Sarah,\n\nInvoices are matched to payments every night. We loved the concert."
    kept = drop_unsupported(message, check_claims(message, SOURCES, REQUEST)).text
    assert kept == "Hi Sarah,\n\nInvoices are matched to payments every night."


@dataclass
class EvenAligner:
    """An aligner to which every text is as like every source."""

    cosine: float
    num_calls: int = 0
    num_sources: int = 0

    def align(self, texts: Sequence[str], sources: Sequence[str]) -> list[list[Alignment]]:
        self.num_calls += 1
        self.num_sources += len(sources)
        same = Alignment(mean=self.cosine, weakest=self.cosine)
        return [[same] * len(sources) for _ in texts]


def test_a_request_lends_nothing_to_another_about_the_same_passages() -> None:
    message = "Hi Tomas, your bakery bakes sourdough rolls at night."
    baker = "Tomas Ree\nAI Billing Software\nHis bakery bakes sourdough rolls at night."
    alone = check_claims(message, SOURCES, REQUEST)
    assert all(verdict.supported for verdict in check_claims(message, SOURCES, baker))
    again = check_claims(message, SOURCES, REQUEST)
    assert again == alone
    assert {verdict.kind for verdict in again if not verdict.supported} == {
        ClaimKind.NAME,
        ClaimKind.STATEMENT,
    }


@pytest.mark.parametrize(
    ("message", "num_sources"),
    [
        pytest.param(
            "Reminders notify debtors politely overnight.", len(SOURCES) + 1, id="no-name"
        ),
        pytest.param("Reminders notify Zorbexin debtors politely overnight.", 0, id="invented"),
    ],
)
def test_no_source_without_the_names_of_a_statement_is_aligned_with_it(
    message: str, num_sources: int
) -> None:
    aligner = EvenAligner(0.9)
    statements(message, StatementChecker(aligner))
    assert aligner.num_sources == num_sources


def test_alignment_changes_the_probability_and_is_asked_once_a_message() -> None:
    message = "Our invoices get reconciled with ledgers. A reminder embarks at dusk by pigeon."
    like, unlike = EvenAligner(0.95), EvenAligner(0.1)
    pairs = zip(
        statements(message, StatementChecker(like)),
        statements(message, StatementChecker(unlike)),
        strict=True,
    )
    assert all((a.probability or 0) > (b.probability or 0) for a, b in pairs)
    assert like.num_calls == 1


def test_the_order_of_the_passages_does_not_change_a_probability() -> None:
    message = "Invoices are matched to payments. Payment recovery comes with Growth."
    there = [verdict.probability for verdict in check_claims(message, SOURCES, REQUEST)]
    back = [verdict.probability for verdict in check_claims(message, SOURCES[::-1], REQUEST)]
    assert there == back


@given(st.text(max_size=300))
def test_no_text_makes_the_check_raise(text: str) -> None:
    for verdict in check_claims(text, [INVOICING], text):
        assert verdict.probability is None or 0 <= verdict.probability <= 1


@given(st.text(max_size=80), st.text(max_size=200))
def test_features_are_finite_and_as_many_as_their_names(text: str, source: str) -> None:
    features = overlap_features(read_text(text), read_text(source))
    assert len(features) == len(FEATURES)
    assert all(-1e6 < value < 1e6 for value in features)


def test_the_shipped_model_says_what_it_was_fitted_on_and_how_good_it_is() -> None:
    model = load_support_model()
    assert tuple(model.without_embeddings.weights) == FEATURES
    for classifier in (model.without_embeddings, model.with_embeddings):
        assert classifier.held_out.auc > 0.95
        assert sum(b.num_statements for b in classifier.held_out.reliability) > 1_000
