"""Word classes and the patterns made of them."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.lexicon import Lexicon, any_of

WORDS = {
    "stop": ("stop", "knock off", "quit"),
    "reach": ("e-mail", "email*", "call"),
    "no_vendor": ("Excel",),
}


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        pytest.param(["quit"], {"stop"}, id="whole"),
        pytest.param(["emailing"], {"reach"}, id="any-ending"),
        pytest.param(["calling"], set(), id="other-ending"),
        pytest.param(["knock"], {"stop"}, id="first-of-a-phrase"),
        pytest.param(["stop", "call", "dog"], {"stop", "reach"}, id="several"),
    ],
)
def test_a_word_is_in_its_classes(words: list[str], classes: set[str]) -> None:
    assert Lexicon(WORDS).classes(words) == classes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("quit emailing", True, id="both"),
        pytest.param("knock off call", True, id="phrase"),
        pytest.param("quitter call", False, id="part-of-a-word"),
    ],
)
def test_a_pattern_names_classes(text: str, *, found: bool) -> None:
    pattern = Lexicon(WORDS).pattern("{stop} {reach}")
    assert bool(re.search(pattern, text)) is found


def test_a_proper_name_is_a_capital_that_is_not_excluded() -> None:
    assert Lexicon(WORDS).proper_names("we use Excel, excel, Bill.com and Zuora") == [
        "Bill.com",
        "Zuora",
    ]


def test_a_lexicon_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Lexicon(WORDS))).classes(["quit"]) == {"stop"}  # noqa: S301


@given(
    st.lists(st.text("ab c", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=1),
    st.text("abc ", max_size=12),
)
def test_the_branches_match_what_the_plain_list_matches(words: list[str], text: str) -> None:
    plain = "|".join(re.escape(word) for word in words)
    expected = re.search(rf"\b(?:{plain})\b", text) is not None
    assert (re.search(any_of(tuple(words)), text) is not None) is expected
