"""The reply that is always safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.claims import ClaimKind
from followup.compliance import apply_fixes, check_rules, conservative_reply
from followup.errors import LeadOptedOutError
from followup.grounding import check_claims
from followup.lead import Lead
from followup.situation import Situation
from tests.unit.leads import lead, rules

REPLIED = [situation for situation in Situation if situation is not Situation.OPTED_OUT]
HOSTILE = [
    "https://evil.example/pay",
    "evil.example",
    "{{ 7*7 }} {% for x in y %}",
    "{{ company_name }}",
    "x" * 200,
    "Pay 3000 Dollars",
    "Seven Smith",
    "３００ percent",
    "Act Now",
    "No Pressure",
    "[Name]",
    "boss@evil.example",
    "Sarah? Really?",
    "Hi",
    "Best regards",
    "Three Monkeys",
    "Tomorrow",
    "a MTH",
]


def assert_safe(given_lead: Lead, situation: Situation) -> None:
    reply = conservative_reply(given_lead, situation, rules())
    assert check_rules(reply, given_lead, situation, rules()) == []
    assert apply_fixes(reply, given_lead, situation, rules()) == reply
    names = (given_lead.lead_name, given_lead.product_name, given_lead.company_name)
    for verdict in check_claims(reply, [], "\n".join(names), statements=None):
        assert verdict.supported, verdict
        assert verdict.kind is ClaimKind.NAME


@pytest.mark.parametrize("situation", REPLIED)
def test_the_reply_keeps_every_rule_and_claims_nothing(situation: Situation) -> None:
    assert_safe(lead(), situation)
    reply = conservative_reply(lead(), situation, rules())
    assert reply.startswith("Hi Sarah,")
    assert "person" in reply
    assert not any(character.isdigit() for character in reply)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("situation", REPLIED)
def test_a_hostile_name_does_no_harm(situation: Situation, name: str) -> None:
    assert_safe(lead(lead_name=name, product_name=name, company_name=name), situation)
    assert_safe(lead(product_name=name, company_name=name), situation)


@given(
    st.text(min_size=1, max_size=60).filter(lambda t: t.isprintable() and t.strip()),
    st.text(max_size=60),
    st.sampled_from(REPLIED),
)
def test_any_name_does_no_harm(name: str, company: str, situation: Situation) -> None:
    assert_safe(
        lead(lead_name=f"a {name}", product_name=f"a {name}", company_name=company), situation
    )


def test_an_opted_out_lead_gets_no_reply() -> None:
    with pytest.raises(LeadOptedOutError, match="asked not to be contacted"):
        conservative_reply(lead(), Situation.OPTED_OUT, rules())
