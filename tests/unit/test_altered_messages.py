"""The messages that the claim checker is examined with say what they are said to say."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from benchmarks.altered_messages.alterations import Change
from benchmarks.altered_messages.documents import passage_text
from benchmarks.altered_messages.facts import (
    FactsError,
    KnowledgeBase,
    join_with_chunks,
    load_facts,
)
from benchmarks.altered_messages.messages import ExamMessage
from benchmarks.altered_messages.sets import FACTS_FILES, load_knowledge_base, write_messages
from benchmarks.altered_messages.written_forms import MONTHS
from tests.behaviour.stated_values import unsupported_values

NUM_MESSAGES = 200
DATE = re.compile(rf"\b(?:{'|'.join(MONTHS)}|20\d\d-)")
VALUES = (Change.PRICE, Change.PERCENTAGE, Change.QUANTITY, Change.ADDRESS)


def count_tokens(texts: Sequence[str]) -> list[int]:
    return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


@cache
def knowledge_base() -> KnowledgeBase:
    return load_knowledge_base(FACTS_FILES[0], count_tokens)


@cache
def messages(seed: int = 1) -> list[ExamMessage]:
    return write_messages([knowledge_base()], NUM_MESSAGES, seed)


def sources_of(message: ExamMessage) -> str:
    return f"{passage_text(message.passages)}\n{message.lead.interaction_history}"


def test_equal_seeds_give_equal_messages_and_other_seeds_others() -> None:
    again = write_messages([knowledge_base()], NUM_MESSAGES, 1)
    assert again == messages()
    assert not {item.text for item in messages(2)} & {item.text for item in again}


def test_every_kind_of_change_comes_up_equally_often() -> None:
    counts = Counter(message.change for message in messages())
    sound = counts.pop(Change.NONE)
    assert sound == pytest.approx(0.45 * NUM_MESSAGES, abs=1)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts) == set(Change) - {Change.NONE}


def test_what_a_sound_message_states_stands_in_its_sources() -> None:
    """The second checker reads no dates, so messages with one are left to the first."""
    sound = [message for message in messages() if message.change is Change.NONE]
    read = [message for message in sound if not DATE.search(message.text)]
    assert len(read) > len(sound) / 2
    for message in read:
        assert unsupported_values(message.text, sources_of(message)) == set(), message.text


def test_a_changed_value_stands_nowhere_in_the_sources() -> None:
    changed = [message for message in messages() if message.change in VALUES]
    changed = [message for message in changed if "per=('year" not in message.what]
    for message in changed:
        assert unsupported_values(message.text, sources_of(message)), message.text


def test_a_message_has_five_passages_and_states_the_changed_sentence() -> None:
    for message in messages():
        assert len({item.chunk.chunk_id for item in message.passages}) == 5
        assert message.altered.rstrip(".")[1:] in message.text


def test_the_figure_of_another_subject_is_in_the_passages() -> None:
    taken = [message for message in messages() if message.change is Change.WRONG_SUBJECT]
    for message in taken:
        assert not unsupported_values(message.altered, sources_of(message)), message.altered


def test_a_fact_whose_source_text_is_gone_is_an_error() -> None:
    base = knowledge_base()
    left = tuple(chunk for chunk in base.chunks if chunk.document != "faq/trial.html")
    with pytest.raises(FactsError, match=r"trial-length: 'The free trial lasts 14 days' is not in"):
        join_with_chunks(base.facts, left)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("{money: 299, per", "{money: -1, per", "money", id="wrong value"),
        pytest.param("{subject} comes to {value}", "{plan} comes to", "plan", id="unknown slot"),
    ],
)
def test_a_wrong_facts_file_is_refused_by_name(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(FACTS_FILES[0].read_text().replace(old, new))
    with pytest.raises(FactsError, match=rf"(?s)facts\.yaml.*{said}"):
        load_facts(path)
