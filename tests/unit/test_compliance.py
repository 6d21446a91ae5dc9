"""The rules of a message, and what is mended."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from followup.compliance import ComplianceRules, Rule, apply_fixes, check_rules, greeting_name
from followup.situation import Situation
from tests.unit.leads import COMPLIANCE_FILE, lead, rules

GOOD = (
    "Hi Sarah,\n\nThe Growth plan sends reminders for you. Would a short demo help?\n\n"
    "No rush, reply whenever it suits you.\n\nBest regards,"
)


def broken(message: str, situation: Situation = Situation.STANDARD) -> set[Rule]:
    return {item.rule for item in check_rules(message, lead(), situation, rules())}


def fixed(message: str, situation: Situation = Situation.STANDARD) -> str:
    return apply_fixes(message, lead(), situation, rules())


def test_a_good_message_breaks_no_rule_and_is_left_alone() -> None:
    assert broken(GOOD) == set()
    assert fixed(GOOD) == GOOD


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        pytest.param("", Rule.NOT_EMPTY, id="empty"),
        pytest.param("Hi Sarah,\n\nNo rush.", Rule.NOT_EMPTY, id="no-body"),
        pytest.param(GOOD.replace("The Growth", "word " * 110 + "The"), Rule.MAX_WORDS, id="long"),
        pytest.param(GOOD.replace("for you.", "for you?"), Rule.MAX_QUESTIONS, id="questions"),
        pytest.param(GOOD.replace("for you", "for Sarah"), Rule.NAME_ONCE, id="name-twice"),
        pytest.param(GOOD.replace("Hi Sarah", "Hi there"), Rule.NAME_ONCE, id="no-name"),
        pytest.param(GOOD.removeprefix("Hi Sarah,\n\n"), Rule.GREETING, id="no-greeting"),
        pytest.param("Hi Sarah,\n\nReminders go out for you.", Rule.CLOSE, id="no-close"),
        pytest.param(GOOD.replace("The", "Act now! The"), Rule.FORBIDDEN_PHRASE, id="pressure"),
        pytest.param(GOOD + "\n[Your Name]", Rule.PLACEHOLDER, id="square"),
        pytest.param(GOOD.replace("you.", "{{company}}."), Rule.PLACEHOLDER, id="braces"),
        pytest.param(GOOD.replace("you.", "<Company Name>."), Rule.PLACEHOLDER, id="angles"),
        pytest.param(
            GOOD.replace("Would", "The Growth plan sends reminders for you. Would"),
            Rule.REPETITION,
            id="repeated",
        ),
    ],
)
def test_a_broken_rule_is_found(message: str, rule: Rule) -> None:
    assert rule in broken(message)


def test_any_message_to_an_opted_out_lead_is_a_violation() -> None:
    assert Rule.SITUATION in broken(GOOD, Situation.OPTED_OUT)


def test_a_pitch_to_a_lead_without_interest_is_a_violation() -> None:
    pitch = GOOD.replace("Would a short demo help?", "You can book a demo.")
    assert broken(pitch) == set()
    assert broken(pitch, Situation.NOT_INTERESTED) == {Rule.SITUATION}


def test_a_limit_is_inclusive() -> None:
    body = " ".join(["word"] * (120 - len(["Hi", "Sarah,", "No", "rush."])))
    assert Rule.MAX_WORDS not in broken(f"Hi Sarah,\n\n{body}.\n\nNo rush.")
    assert Rule.MAX_WORDS in broken(f"Hi Sarah,\n\n{body} word.\n\nNo rush.")


@pytest.mark.parametrize(
    "body",
    [
        "Just checking in on the trial.",
        "I just wanted to check in about the trial.",
        "I'm just quickly following up.",
        "Just a quick follow-up on the trial.",
        "I wanted to touch base about the trial.",
        "JUST CHECKING-IN!",
        "Just ch\u0435cking in.",
        "Just c\u200bhecking in.",
    ],
)
def test_filler_is_found_in_its_variants(body: str) -> None:
    message = GOOD.replace("Would a short demo help?", body)
    assert Rule.FORBIDDEN_PHRASE in broken(message)
    assert broken(fixed(message)) == set()


@pytest.mark.parametrize(
    ("message", "rule", "is_broken"),
    [
        pytest.param(GOOD.replace("you.", "you, Ms. Chen."), Rule.NAME_ONCE, True, id="surname"),
        pytest.param(GOOD.replace("you.", "SARAH."), Rule.NAME_ONCE, True, id="upper-case"),
        pytest.param(GOOD.replace("Hi Sarah", "Hi Sarah Chen"), Rule.NAME_ONCE, False, id="full"),
        pytest.param(
            GOOD.replace("Hi Sarah", "Dear Ms. Chen"), Rule.NAME_ONCE, False, id="title-and-surname"
        ),
        pytest.param(
            GOOD.replace("you.", "Sarahville."), Rule.NAME_ONCE, False, id="inside-a-word"
        ),
        pytest.param(
            GOOD.replace("help?", "help and which day suits you?"),
            Rule.MAX_QUESTIONS,
            True,
            id="joined-questions",
        ),
        pytest.param(
            GOOD.replace("for you.", "for you: https://example.com/?a=1."),
            Rule.MAX_QUESTIONS,
            False,
            id="mark-in-a-link",
        ),
        pytest.param(
            GOOD.replace("Growth plan", "word\u2014" * 115 + "plan"),
            Rule.MAX_WORDS,
            True,
            id="words-joined-by-dashes",
        ),
    ],
)
def test_a_rule_cannot_be_dodged(message: str, rule: Rule, *, is_broken: bool) -> None:
    assert (rule in broken(message)) is is_broken


@pytest.mark.parametrize(
    "body",
    [
        "The plan costs $99 a month.",
        "Our software saves time every day.",
        "It automates reminders.",
        "Would a call help?",
        "You can read more at example.com/plans.",
        "Should we talk on 3 May?",
        "Please reconsider.",
    ],
)
def test_a_lead_who_said_no_gets_no_pitch(body: str) -> None:
    accepted = "Hi Sarah,\n\nThank you for telling us. {}\n\nNo pressure, the door is open."
    assert broken(accepted.format("All the best."), Situation.NOT_INTERESTED) == set()
    found = broken(accepted.format(body), Situation.NOT_INTERESTED)
    assert found & {Rule.SITUATION, Rule.MAX_QUESTIONS}
    mended = fixed(accepted.format(body), Situation.NOT_INTERESTED)
    assert broken(mended, Situation.NOT_INTERESTED) == set()


@pytest.mark.parametrize(
    "body",
    [
        "I have not heard back from you.",
        "You haven't replied to my last email.",
        "Please reply by Friday.",
        "I look forward to hearing from you.",
        "Have you seen the new report?",
    ],
)
def test_a_silent_lead_gets_a_note_that_is_easy_to_ignore(body: str) -> None:
    note = "Hi Sarah,\n\nThere is a new guide on reminders. {}\n\nNo rush, easy to ignore."
    assert broken(note.format("It is short."), Situation.SILENT) == set()
    assert broken(note.format(body), Situation.SILENT) & {Rule.SITUATION, Rule.MAX_QUESTIONS}
    assert broken(fixed(note.format(body), Situation.SILENT), Situation.SILENT) == set()


def test_a_note_to_a_silent_lead_is_short() -> None:
    body = " ".join(f"Topic{chr(97 + i)} is covered by chapter{chr(97 + i)}." for i in range(22))
    message = f"Hi Sarah,\n\n{body}\n\nNo rush."
    assert Rule.MAX_WORDS not in broken(message)
    assert Rule.MAX_WORDS in broken(message, Situation.SILENT)
    assert Rule.MAX_WORDS not in broken(fixed(message, Situation.SILENT), Situation.SILENT)


@pytest.mark.parametrize(
    ("message", "mended"),
    [
        pytest.param(GOOD.replace("The", "Act now! The"), GOOD, id="forbidden-sentence"),
        pytest.param(GOOD + "\n[Your Name]", GOOD, id="placeholder-line"),
        pytest.param(
            GOOD.replace("The", "Task: Invoices; Hours before: 10; Hours after: 2. The"),
            GOOD,
            id="table-row",
        ),
        pytest.param(GOOD.replace("Hi Sarah", "Hi [Name]"), GOOD, id="placeholder-greeting"),
        pytest.param(GOOD.replace("Hi Sarah", "Hi Bob"), GOOD, id="wrong-name"),
        pytest.param(GOOD.removeprefix("Hi Sarah,\n\n"), GOOD, id="no-greeting"),
        pytest.param("Hi Sarah,\n\n" + GOOD, GOOD, id="two-greetings"),
        pytest.param(GOOD.replace("for you.", "for you, Sarah."), GOOD, id="address"),
        pytest.param(GOOD.replace("The", "Sarah, the"), GOOD, id="address-first"),
        pytest.param(GOOD.replace("help?", "help? Do you agree?"), GOOD, id="second-question"),
        pytest.param(
            GOOD.replace("Would", "The Growth plan sends reminders for you. Would"), GOOD, id="loop"
        ),
        pytest.param(
            "Hi Sarah,\n\nReminders go out for you.",
            "Hi Sarah,\n\nReminders go out for you.\n\n"
            "No rush at all, just reply whenever it suits you.",
            id="no-close",
        ),
        pytest.param(
            "Hi Sarah,\n\nReminders go out for you.\n\nBest regards,",
            "Hi Sarah,\n\nReminders go out for you.\n\n"
            "No rush at all, just reply whenever it suits you.\n\nBest regards,",
            id="close-before-sign-off",
        ),
        pytest.param(
            GOOD.replace("for you.", "for Sarah's team."),
            GOOD.replace("for you", "for your team"),
            id="owner",
        ),
        pytest.param(
            GOOD.replace("for you.", "for you. Thank you, Sarah, for the call."),
            GOOD.replace("for you.", "for you. Thank you for the call."),
            id="address-between-commas",
        ),
        pytest.param(
            GOOD.replace("The Growth", "However, Sarah, the Growth"),
            GOOD.replace("The Growth", "However, the Growth"),
            id="address-after-however",
        ),
        pytest.param(GOOD.replace("The", "Sarah \u2013 the"), GOOD, id="address-before-a-dash"),
        pytest.param(GOOD.replace("The", "Sarah's happy. The"), GOOD, id="short-for-is"),
        pytest.param(
            GOOD.replace("The", "Sarah's team and her boss agreed. The"), GOOD, id="third-person"
        ),
        pytest.param(
            GOOD.replace("help?", "help? If so, tell me. Or is Monday better?"),
            GOOD.replace("help?", "help? If so, tell me."),
            id="answer-to-a-kept-question",
        ),
        pytest.param(
            GOOD.replace("The", "Act now! This ends it. The"), GOOD, id="leans-on-a-dropped-one"
        ),
        pytest.param(
            GOOD.replace("help?", "help and which day suits you?"), GOOD, id="joined-question"
        ),
        pytest.param(
            GOOD.replace("Best regards,", "Best, Sarah"),
            GOOD.replace("Best regards,", "Best,"),
            id="signed-with-the-lead",
        ),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_message_is_mended(message: str, mended: str) -> None:
    assert fixed(message) == mended


def test_a_long_message_is_cut_at_a_sentence_and_keeps_its_close() -> None:
    body = " ".join(
        f"Sentence number{chr(97 + i)} speaks of topic{chr(97 + i)} alone." for i in range(25)
    )
    mended = fixed(f"Hi Sarah,\n\n{body}\n\nNo rush.\n\nBest regards,")
    assert broken(mended) == set()
    assert mended.endswith("alone.\n\nNo rush.\n\nBest regards,")
    assert "numbera" in mended


def test_sentences_that_differ_in_a_figure_are_no_repetition() -> None:
    body = (
        "The plan for small teams costs $99 a month. The plan for small teams costs $299 a month."
    )
    message = f"Hi Sarah,\n\n{body}"
    assert "$99" in fixed(message)
    assert "$299" in fixed(message)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        pytest.param("Sarah Chen", "Sarah", id="plain"),
        pytest.param("Dr. Aisha Bello", "Aisha", id="title"),
        pytest.param("O’Brien", "O’Brien", id="apostrophe"),
        pytest.param("https://evil.example", "", id="link"),
        pytest.param("{{ 7*7 }}", "", id="template"),
        pytest.param("x" * 200, "", id="long"),
        pytest.param("R2D2", "", id="digits"),
        pytest.param("Дмитрий Иванов", "Дмитрий", id="cyrillic"),
    ],
)
def test_the_greeting_name_is_a_plain_first_name(name: str, first: str) -> None:
    assert greeting_name(lead(lead_name=name)) == first


def test_a_lead_without_usable_name_is_greeted_without() -> None:
    nameless = lead(lead_name="{{ 7*7 }}")
    mended = apply_fixes("We can help.", nameless, Situation.STANDARD, rules())
    assert mended.startswith("Hi there,")
    assert check_rules(mended, nameless, Situation.STANDARD, rules()) == []


PIECES = st.sampled_from(
    [
        "Hi Sarah,", "Hi Bob,", "\n\n", "\n", " ", "Act now!", "Would it help?", "[Name]", "Sarah",
        "Sarah's team grows.", "We help, Sarah.", "No rush.", "Best regards,", "It costs $5 a day.",
        "We send reminders for your team each day.", "Sarah likes it.", "{{company}}", "Hello",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map(" ".join))
def test_fixing_twice_changes_nothing_and_mends_all_but_the_body(message: str) -> None:
    once = fixed(message)
    assert fixed(once) == once
    assert broken(once) <= {Rule.NOT_EMPTY}


@given(st.text(max_size=300), st.sampled_from(Situation))
def test_no_message_makes_rules_raise(message: str, situation: Situation) -> None:
    check_rules(message, lead(), situation, rules())
    apply_fixes(message, lead(), situation, rules())


def shipped() -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(COMPLIANCE_FILE.read_text())
    return loaded


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"colour": "red"}, "colour", id="unknown-key"),
        pytest.param({"max_words": 3}, "max_words", id="too-few-words"),
        pytest.param(
            {"close": "Buy it."}, "holds none of close_markers", id="close-without-marker"
        ),
        pytest.param({"conservative_replies": {}}, "has no reply for", id="missing-reply"),
        pytest.param(
            {"conservative_replies": {"standard": "{{ secret }}"}}, "uses .'secret'", id="field"
        ),
    ],
)
def test_a_wrong_setting_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ComplianceRules.model_validate(shipped() | change)
