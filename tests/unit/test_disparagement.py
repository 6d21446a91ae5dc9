"""No ill word about a competitor."""

import pytest

from followup.compliance import Rule, apply_fixes, check_rules
from followup.lead import Lead
from followup.situation import Situation, detect_situation
from tests.unit.leads import lead, rules

CLOSE = "\n\nNo rush, reply whenever it suits you."


def told() -> Lead:
    return lead("We use Zuora today and like it. Asked about reminders.")


def broken(body: str) -> set[Rule]:
    message = f"Hi Sarah,\n\n{body}{CLOSE}"
    return {i.rule for i in check_rules(message, told(), Situation.COMPETITOR_NAMED, rules())}


def test_the_lead_of_these_tests_has_a_competitor() -> None:
    assert detect_situation(told(), rules()) is Situation.COMPETITOR_NAMED


@pytest.mark.parametrize(
    "body",
    [
        "Zuora is slow and outdated.",
        "ZUORA lacks reminders.",
        "Z\u200buora is clunky.",
        "Zu\u043era is unreliable.",
        "We are faster than Zuora.",
        "Unlike Zuora, we send reminders.",
        "Your current provider cannot send reminders.",
        "You know Zuora. They fail at reminders.",
        "Many teams regret choosing Zuora.",
    ],
)
def test_an_ill_word_about_a_competitor_is_a_violation(body: str) -> None:
    assert Rule.DISPARAGEMENT in broken(body)
    mended = apply_fixes(
        f"Hi Sarah,\n\nReminders go out by themselves. {body}{CLOSE}",
        told(),
        Situation.COMPETITOR_NAMED,
        rules(),
    )
    assert "Reminders go out" in mended
    assert check_rules(mended, told(), Situation.COMPETITOR_NAMED, rules()) == []


@pytest.mark.parametrize(
    "body",
    [
        "Reminders go out by themselves, so nobody has to chase a slow payer.",
        "It is good to hear that Zuora works well for you.",
        "You can export from Zuora in one step.",
        "Late invoices are a problem that reminders solve.",
    ],
)
def test_own_strengths_are_no_ill_words(body: str) -> None:
    assert broken(body) == set()
