"""The second checker that the behaviour tests read replies with."""

import pytest

from tests.behaviour.leads import different_leads
from tests.behaviour.stated_values import StatedValue, stated_values, unsupported_values

SOURCE = (
    "The Growth plan costs $299 per month. Teams save 15–20 hours a week. Errors fell by 62%. "
    "It holds 2,000 invoices. Write to sales@techcorp.example or see https://techcorp.example/pricing."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("It costs $299/month.", StatedValue("money", "299"), id="price"),
        pytest.param("USD 2,990 a year", StatedValue("money", "2990"), id="currency before"),
        pytest.param(
            "two hundred and ninety-nine dollars", StatedValue("money", "299"), id="price in words"
        ),
        pytest.param("forty-five percent", StatedValue("percent", "45"), id="percentage in words"),
        pytest.param("two thousand invoices", StatedValue("number", "2000"), id="count in words"),
        pytest.param(
            "See https://www.a.example/x.", StatedValue("address", "a.example/x"), id="link"
        ),
    ],
)
def test_a_value_is_read_in_each_written_form(text: str, expected: StatedValue) -> None:
    assert expected in stated_values(text)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("The plan is two hundred ninety-nine dollars a month.", id="price"),
        pytest.param("You save fifteen to twenty hours.", id="range"),
        pytest.param("Errors fell by 62 percent, one of the best results.", id="percentage"),
        pytest.param("More at techcorp.example/pricing", id="link"),
    ],
)
def test_a_value_of_the_source_is_supported_in_another_form(message: str) -> None:
    assert unsupported_values(message, SOURCE) == set()


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("The plan is $298 a month.", id="another price"),
        pytest.param("It costs $62.", id="a percentage is no price"),
        pytest.param("Errors fell by 20%.", id="a count is no percentage"),
        pytest.param("You save sixteen hours.", id="a number in words"),
        pytest.param("Write to hello@techcorp.example", id="another address"),
    ],
)
def test_a_value_that_the_source_does_not_state_is_found(message: str) -> None:
    assert len(unsupported_values(message, SOURCE)) == 1


def test_the_leads_differ_and_are_the_same_every_time() -> None:
    leads = different_leads(200)
    assert leads == different_leads(200)
    assert len({lead["lead_name"] for lead in leads}) == 200
    assert len({lead["interaction_history"] for lead in leads}) > 60
