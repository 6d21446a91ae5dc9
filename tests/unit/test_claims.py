"""Reading claims from text: many written forms, one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.claims import Claim, ClaimKind, extract_claims

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
ONES += " sixteen seventeen eighteen nineteen"
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(number: int) -> str:
    """A number below a million in English, written here to check the reader independently."""
    if number < 20:
        return ONES.split()[number]
    if number < 100:
        rest = f"-{in_words(number % 10)}" if number % 10 else ""
        return TENS.split()[number // 10] + rest
    if number < 1_000:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{in_words(number // 100)} hundred{rest}"
    rest = f" {in_words(number % 1_000)}" if number % 1_000 else ""
    return f"{in_words(number // 1_000)} thousand{rest}"


def only(text: str) -> Claim:
    claims = extract_claims(text)
    assert len(claims) == 1, claims
    return claims[0]


def meaning(claim: Claim) -> tuple[object, ...]:
    return (claim.kind, claim.value, claim.unit, claim.per)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("$299/month", id="slash"),
        pytest.param("299 USD per month", id="code-after"),
        pytest.param("USD 299 a month", id="code-before"),
        pytest.param("USD299 monthly", id="code-glued"),
        pytest.param("two hundred ninety-nine dollars a month", id="words"),
        pytest.param("two hundred and ninety nine dollars each month", id="words-and"),
        pytest.param("299 $ per month", id="sign-after"),
        pytest.param("US$299 / mo", id="us-sign"),
        pytest.param("$299.00 every month", id="cents"),
        pytest.param("２９９ dollars a month", id="full-width"),
        pytest.param("٢٩٩ dollars a month", id="arabic-indic"),
        pytest.param("$\u200b299 per month", id="zero-width"),
        pytest.param("monthly price: $299", id="said-before"),
    ],
)
def test_written_forms_of_a_price_are_one_value(text: str) -> None:
    assert meaning(only(text)) == (ClaimKind.MONEY, "299", "USD", frozenset({"month"}))


@pytest.mark.parametrize(
    ("text", "kind", "value", "unit"),
    [
        pytest.param("45%", "percent", "45", "percent", id="sign"),
        pytest.param("45 percent", "percent", "45", "percent", id="percent"),
        pytest.param("forty-five per cent", "percent", "45", "percent", id="words"),
        pytest.param("٤٥٪", "percent", "45", "percent", id="arabic-percent"),
        pytest.param("5 percentage points", "quantity", "5", "", id="points-are-no-percent"),
        pytest.param("10% to 15%", "percent", "10-15", "percent", id="percent-range"),
        pytest.param("3 months", "duration", "3", "month", id="digits-months"),
        pytest.param("three-month", "duration", "3", "month", id="hyphen-month"),
        pytest.param("half an hour", "duration", "30", "minute", id="half-hour"),
        pytest.param("in a week", "duration", "1", "week", id="a-week"),
        pytest.param("30 business days", "duration", "30", "business day", id="business-days"),
        pytest.param("15-20 hours", "duration", "15-20", "hour", id="range"),
        pytest.param("15 to 20 hours", "duration", "15-20", "hour", id="range-to"),
        pytest.param("between 15 and 20 hours", "duration", "15-20", "hour", id="range-between"),
        pytest.param("$1.2M", "money", "1200000", "USD", id="suffix-m"),
        pytest.param("$1.2 million", "money", "1200000", "USD", id="word-million"),
        pytest.param("$5-10 million", "money", "5000000-10000000", "USD", id="range-scaled"),
        pytest.param("£5k", "money", "5000", "GBP", id="suffix-k"),
        pytest.param("20 €", "money", "20", "EUR", id="euro-after"),
        pytest.param("ninety-nine cents", "money", "0.99", "cent", id="cents"),
        pytest.param("$.50", "money", "0.5", "USD", id="no-leading-zero"),
        pytest.param("1,200 invoices", "quantity", "1200", "", id="thousands"),
        pytest.param("a dozen customers", "quantity", "12", "", id="dozen"),
        pytest.param("half a million users", "quantity", "500000", "", id="half-million"),
        pytest.param("3x faster", "quantity", "3", "times", id="times"),
        pytest.param("twice as fast", "quantity", "2", "times", id="twice"),
        pytest.param("100GB", "quantity", "100", "gb", id="measure"),
        pytest.param("about 1.5", "number", "1.5", "", id="plain"),
        pytest.param("March 3rd, 2026", "date", "2026-03-03", "", id="ordinal-date"),
        pytest.param("03/03/2026", "date", "2026-03-03", "", id="slashes"),
        pytest.param("2026-03-03", "date", "2026-03-03", "", id="iso"),
        pytest.param("the 3rd of March 2026", "date", "2026-03-03", "", id="day-first"),
        pytest.param("03/04/2026", "date", "3/4/2026", "", id="ambiguous"),
        pytest.param("next Tuesday", "date", "next tuesday", "", id="relative"),
        pytest.param("at 3 pm", "date", "15:00", "", id="time"),
        pytest.param("24/7 support", "code", "24/7", "", id="always-on"),
        pytest.param("٢٤/٧ support", "code", "24/7", "", id="always-on-arabic"),
        pytest.param("3OO dollars", "code", "3oo", "", id="letters-as-digits"),
        pytest.param("save $XXX", "code", "$xxx", "", id="no-figure"),
        pytest.param("€1.200,50", "code", "€1.200,50", "", id="european-writing"),
        pytest.param("三 users", "code", "三", "", id="other-numerals"),
        pytest.param("thousands of users", "code", "thousands", "", id="vague"),
        pytest.param("https://www.A.com/b/.", "link", "a.com/b", "", id="link"),
        pytest.param("techcorp.com", "link", "techcorp.com", "", id="bare-domain"),
        pytest.param("techcorp dot com", "link", "techcorp.com", "", id="spelt-domain"),
        pytest.param("mail sales@techcorp.com.", "email", "sales@techcorp.com", "", id="email"),
        pytest.param("+1 (555) 010-9999", "phone", "5550109999", "", id="phone"),
        pytest.param("555-010-9999", "phone", "5550109999", "", id="phone-national"),
    ],
)
def test_a_claim_is_normalised(text: str, kind: str, value: str, unit: str) -> None:
    claim = only(text)
    assert (claim.kind, claim.value, claim.unit) == (kind, value, unit)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Hi Sarah,", ["sarah"], id="greeting"),
        pytest.param("Our Pro plan fits.", ["pro"], id="plan"),
        pytest.param("Globex cut it.", ["globex"], id="start-uncommon"),
        pytest.param("Invoices are sent.", [], id="start-common"),
        pytest.param(
            "Since Globex Corp moved, Initech's team followed.",
            ["globex corp", "initech"],
            id="two",
        ),
        pytest.param("Our CRM and API work on Monday.", [], id="generic", marks=()),
        pytest.param("We helped Target grow.", ["target"], id="common-word-inside"),
    ],
)
def test_names_are_read(text: str, names: list[str]) -> None:
    assert [c.value for c in extract_claims(text) if c.kind is ClaimKind.NAME] == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Thanks for the chat, it was good to talk.", id="chat"),
        pytest.param("One of our people can help.", id="one-of"),
        pytest.param("It runs once a week.", id="once-a-week"),
        pytest.param("Shall we talk next week?", id="proposal"),
        pytest.param("You may march on.", id="months-as-words"),
        pytest.param("Do you have a minute?", id="idiom"),
        pytest.param("1. Save time\n2. Save effort", id="list-numbers"),
    ],
)
def test_talk_without_facts_has_no_claims(text: str) -> None:
    assert extract_claims(text) == []


@given(st.integers(1, 999_999))
def test_any_amount_written_in_any_form_is_one_value(amount: int) -> None:
    forms = (
        f"${amount}/month",
        f"{amount:,} USD per month",
        f"{amount}.00 dollars a month",
        f"{in_words(amount)} dollars a month",
        f"{amount} $ monthly",
        "".join(chr(0xFF10 + int(digit)) for digit in str(amount)) + " dollars a month",
    )
    expected = (ClaimKind.MONEY, str(amount), "USD", frozenset({"month"}))
    assert {meaning(only(form)) for form in forms} == {expected}


@given(st.integers(2, 99))
def test_any_percentage_and_duration_in_words_equals_its_digits(number: int) -> None:
    assert meaning(only(f"{number}%")) == meaning(only(f"{in_words(number)} percent"))
    assert meaning(only(f"{number} days")) == meaning(only(f"{in_words(number)} days"))


@given(st.text(max_size=400))
def test_no_text_makes_extraction_raise(text: str) -> None:
    extract_claims(text)


@given(st.text(alphabet="$€%0123456789.,-/ kKMxtomonhdayper\n", max_size=60))
def test_no_text_of_figures_makes_extraction_raise(text: str) -> None:
    extract_claims(text)


@given(
    st.integers(0, 10**9),
    st.sampled_from(["{}", "x{}", "{}x", "{}-{}", "#{}", "€{}!", "({})", "{}/{}"]),
)
def test_a_digit_never_goes_unnoticed(number: int, form: str) -> None:
    text = f"We have {form.format(number, number)} here"
    seen = "".join(claim.text for claim in extract_claims(text))
    assert str(number) in seen.replace(",", "").replace(" ", "")


@pytest.mark.parametrize(
    "text", ["Whatever you decide, I'm here.", "If so, I’d be glad, and I am."]
)
def test_the_writer_is_no_name(text: str) -> None:
    assert extract_claims(text) == []
