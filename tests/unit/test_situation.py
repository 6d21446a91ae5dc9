"""Telling the situation of a lead from its history."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from followup.lead import MAX_HISTORY_CHARACTERS
from followup.situation import Situation, SituationRules, detect_situation, named_competitors
from tests.unit.leads import COMPLIANCE_FILE, lead, rules

CASES = Path(__file__).parent / "situation_cases"
TOLD = [
    Situation.OPTED_OUT,
    Situation.NOT_INTERESTED,
    Situation.PRICE_OBJECTION,
    Situation.COMPETITOR_NAMED,
    Situation.SILENT,
]
MIN_SHARE = 0.95
"""Share of each half that has to be told right. Opt-outs are all to be found."""


def situation(history: str, **fields: object) -> Situation:
    return detect_situation(lead(history, **fields), rules())


def cases(found: Situation, kind: str, half: str) -> list[str]:
    loaded = yaml.safe_load((CASES / f"{found}.yaml").read_text())
    told: list[str] = loaded[kind][half]
    return told


@pytest.mark.parametrize("half", ["development", "held_out"])
@pytest.mark.parametrize("found", TOLD)
def test_what_leads_say_is_told(found: Situation, half: str) -> None:
    told = cases(found, "shown", half)
    missed = [history for history in told if situation(history) is not found]
    assert len(missed) <= (1 - MIN_SHARE) * len(told), missed


@pytest.mark.parametrize("half", ["development", "held_out"])
@pytest.mark.parametrize("found", TOLD)
def test_what_only_sounds_like_it_is_not(found: Situation, half: str) -> None:
    told = cases(found, "not_shown", half)
    wrong = [history for history in told if situation(history) is found]
    assert len(wrong) <= (1 - MIN_SHARE) * len(told), wrong


@pytest.mark.parametrize("half", ["development", "held_out"])
def test_no_opt_out_is_missed_inside_a_long_history(half: str) -> None:
    around = "Watched the demo and liked it. {} Then he asked for the price of the plan."
    missed = [
        history
        for history in cases(Situation.OPTED_OUT, "shown", half)
        if situation(around.format(history.rstrip(".!") + ".")) is not Situation.OPTED_OUT
    ]
    assert missed == []


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("UNSUBSCRIBE ME", id="upper-case"),
        pytest.param("un\u200bsubscribe me", id="zero-width"),
        pytest.param("ｕｎｓｕｂｓｃｒｉｂｅ", id="full-width"),
        pytest.param("unsubscr\u0456be me", id="look-alike-letter"),
        pytest.param("\u0405\u0422\u041e\u0420", id="look-alike-word"),
        pytest.param("S.T.O.P", id="letters-apart"),
        pytest.param("DON\u2019T CONTACT ME", id="curly-apostrophe"),
        pytest.param("dont e-mail me anymore", id="no-apostrophe"),
        pytest.param("pls unsubcribe", id="typo"),
        pytest.param("opt\u2011out", id="odd-hyphen"),
        pytest.param("email_opt_out=true", id="crm-flag"),
    ],
)
def test_spelling_does_not_hide_an_opt_out(written: str) -> None:
    assert situation(f"He wrote. {written}") is Situation.OPTED_OUT


def test_an_opt_out_among_the_objections_counts() -> None:
    assert situation("Liked it.", objections_raised=["unsubscribe me"]) is Situation.OPTED_OUT


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param(
            "Opted out in May. Asked for a demo in June.",
            Situation.OPTED_OUT,
            id="demo-is-no-opt-in",
        ),
        pytest.param(
            "Opted out in May. Opted back in later.", Situation.STANDARD, id="opt-in-later"
        ),
        pytest.param(
            "Opted back in. Last week he unsubscribed.", Situation.OPTED_OUT, id="out-again"
        ),
        pytest.param(
            "2026-03-01: opted back in. 2025-01-02: unsubscribed.",
            Situation.STANDARD,
            id="newest-entry-first",
        ),
        pytest.param(
            "2025-01-02: opted back in. 2026-03-01: unsubscribed.",
            Situation.OPTED_OUT,
            id="oldest-entry-first",
        ),
    ],
)
def test_only_an_explicit_later_opt_in_takes_an_opt_out_back(
    history: str, found: Situation
) -> None:
    assert situation(history) is found


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param(
            "Asked for a demo yesterday. Was not interested a year ago.",
            Situation.STANDARD,
            id="old-no",
        ),
        pytest.param(
            "Asked for a demo a year ago. Was not interested yesterday.",
            Situation.NOT_INTERESTED,
            id="new-no",
        ),
        pytest.param(
            "12 May 2025: not interested. 3 June 2026: asked for a quote.",
            Situation.STANDARD,
            id="dated",
        ),
        pytest.param(
            "3 June 2026: not interested. 12 May 2025: asked for a quote.",
            Situation.NOT_INTERESTED,
            id="dated-newest-first",
        ),
    ],
)
def test_the_latest_statement_decides(history: str, found: Situation) -> None:
    assert situation(history) is found


@pytest.mark.parametrize("objection", ["price", "Too expensive", "budget", "Pricing"])
def test_a_price_objection_among_the_objections_counts(objection: str) -> None:
    assert situation("Liked it.", objections_raised=[objection]) is Situation.PRICE_OBJECTION


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param("He uses ZUORA today.", True, id="any-case"),
        pytest.param("not zuora, though", True, id="named-is-named"),
        pytest.param("He uses Zuoratic internally, a spreadsheet.", False, id="part-of-a-word"),
    ],
)
def test_a_configured_competitor_is_found_by_name(history: str, *, found: bool) -> None:
    configured = rules().model_copy(update={"competitors": ("Zuora",)})
    names = named_competitors(lead(history), configured)
    assert ("zuora" in [name.lower() for name in names]) is found


def test_competitors_are_read_from_what_the_lead_uses() -> None:
    told = lead("We use Chargebee today. Asked Anna about AI Billing Software.")
    assert named_competitors(told, rules()) == ("Chargebee",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"engagement_pattern": "silent"}, Situation.SILENT, id="pattern"),
        pytest.param({"days_since_contact": 90}, Situation.COLD, id="days"),
        pytest.param({"days_since_contact": 89}, Situation.STANDARD, id="days-below"),
        pytest.param({"engagement_score": 10}, Situation.COLD, id="engagement"),
        pytest.param(
            {"engagement_score": 10, "lead_score": 80}, Situation.STANDARD, id="score-wins"
        ),
        pytest.param({"lead_stage": "lost"}, Situation.COLD, id="lost"),
    ],
)
def test_silence_and_coldness_are_read_from_fields(
    fields: dict[str, object], expected: Situation
) -> None:
    assert situation("Asked about the demo.", **fields) is expected


def test_the_first_situation_in_order_wins() -> None:
    said = {
        Situation.OPTED_OUT: "Unsubscribe me.",
        Situation.NOT_INTERESTED: "Not interested.",
        Situation.PRICE_OBJECTION: "Too expensive.",
        Situation.COMPETITOR_NAMED: "Comparing you with Zuora.",
        Situation.SILENT: "She went quiet.",
    }
    for index, expected in enumerate(said):
        history = " ".join(list(said.values())[index:])
        assert situation(history, days_since_contact=400) is expected


def changed_rules(change: dict[str, object]) -> dict[str, object]:
    loaded = yaml.safe_load(COMPLIANCE_FILE.read_text())
    known = {name: loaded[name] for name in SituationRules.model_fields}
    return known | change


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        pytest.param("(", r"silent: '\(' is not a valid pattern", id="broken"),
        pytest.param("{nothing}", "silent: word class 'nothing' is not in words", id="class"),
    ],
)
def test_a_wrong_pattern_is_refused(pattern: str, message: str) -> None:
    cue = {"shown_by": {"new": {"needs": ["silence"], "patterns": [pattern]}}}
    with pytest.raises(ValidationError, match=message):
        SituationRules.model_validate(changed_rules({"silent": cue}))


def test_a_word_added_to_a_class_is_understood() -> None:
    history = "Please stop telexing me."
    assert situation(history) is not Situation.OPTED_OUT
    loaded = changed_rules({})
    words = loaded["words"]
    assert isinstance(words, dict)
    words["reach"] = [*words["reach"], "telexing"]
    taught = SituationRules.model_validate(loaded | {"words": words})
    assert detect_situation(lead(history), taught) is Situation.OPTED_OUT


CUE_WORDS = (
    "not never stop e-mail me us them customers unsubscribe from no but and price too high "
    "interested Zuora 2026-01-01 yesterday don't , . ? ! : = ' \" - ( ["
)
WORDS = st.sampled_from([*CUE_WORDS.split(), "\u2019", "\u200d", "\u0405", "\U0001f600"])


@given(st.text(min_size=1, max_size=500).filter(lambda text: text.isprintable() and text.strip()))
def test_no_history_makes_detection_raise(history: str) -> None:
    situation(f"x {history}")


@given(st.lists(WORDS, min_size=1, max_size=120).map(" ".join))
def test_no_mix_of_cue_words_makes_detection_raise(history: str) -> None:
    situation(f"x {history}")


HOSTILE = [
    "stop ",
    "stop e-mailing ",
    "not ",
    "do not want to ",
    "price is not too ",
    "me us him her them my email ",
    "never not be the interest of reply ",
    "Zuora ",
    "a",
    ", ",
    ". ",
    "'s ",
    "s t o p ",
    "2026-01-01 ",
    "a-b-",
    "\u00e9 ",
]
MAX_SECONDS = 0.5
"""A pattern that backtracks takes minutes on these; the usual is some milliseconds."""


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_long_history_takes_long(piece: str) -> None:
    history = "x" + (piece * MAX_HISTORY_CHARACTERS)[: MAX_HISTORY_CHARACTERS - 1]
    told, known = lead(history), rules()
    start = time.perf_counter()
    detect_situation(told, known)
    assert time.perf_counter() - start < MAX_SECONDS
