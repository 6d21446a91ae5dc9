"""Maximal marginal relevance and near-equal passages."""

import numpy as np
import pytest

from followup.backends.diversity import Ranked, choose_diverse, is_near_equal
from tests.unit.candidates import make_candidate

PAGE = (
    "To install the product on a cluster of your own add our chart repository update it and "
    "install the chart with the values file that you wrote before then wait until every pod runs"
)


def ranked(name: str, value: float, angle: float, text: str = "") -> Ranked:
    """An item whose vector points into this direction, in degrees."""
    radians = np.deg2rad(angle)
    vector = (float(np.cos(radians)), float(np.sin(radians)))
    return Ranked(make_candidate(name, text=text or name, vector=vector), value, score=0.9)


def names(chosen: list[Ranked]) -> list[str]:
    return [item.candidate.chunk.chunk_id for item in chosen]


def test_the_second_passage_may_be_less_relevant_where_it_says_something_new() -> None:
    items = [ranked("best", 1.0, 0), ranked("echo", 0.95, 5), ranked("other", 0.8, 80)]
    assert names(choose_diverse(items, top_k=2, relevance_weight=0.7)) == ["best", "other"]
    assert names(choose_diverse(items, top_k=3, relevance_weight=0.7)) == ["best", "other", "echo"]


@pytest.mark.parametrize("echo", ["guide/long.md", "guide/2.0/long.md"])
def test_a_second_passage_of_a_page_gives_way_to_another_page_that_is_nearly_as_good(
    echo: str,
) -> None:
    items = [
        ranked("guide/long.md", 1.0, 0, text="the first part"),
        ranked(echo, 0.9, 40, text="what comes later"),
        ranked("other.md", 0.85, -40),
    ]
    chosen = choose_diverse(items, top_k=3, relevance_weight=0.7)
    assert names(chosen) == ["guide/long.md", "other.md", echo]


def test_with_full_relevance_weight_the_order_is_that_of_the_values() -> None:
    items = [ranked("b", 0.5, 0), ranked("a", 0.9, 1), ranked("c", 0.1, 90)]
    assert names(choose_diverse(items, top_k=5, relevance_weight=1.0)) == ["a", "b", "c"]


def test_an_irrelevant_passage_does_not_get_in_for_being_different() -> None:
    items = [ranked("best", 1.0, 0), ranked("echo", 0.95, 10), ranked("stranger", 0.1, 90)]
    assert names(choose_diverse(items, top_k=2, relevance_weight=0.7)) == ["best", "echo"]


def test_of_near_equal_passages_only_the_best_stays() -> None:
    versions = [ranked(f"v{n}", 0.9 - n / 10, n, text=PAGE) for n in range(5)]
    others = [ranked("other", 0.2, 60)]
    assert names(choose_diverse(versions + others, top_k=5, relevance_weight=1.0)) == [
        "v0",
        "other",
    ]


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose_diverse([], top_k=5, relevance_weight=0.8) == []


def test_values_of_zero_are_still_chosen() -> None:
    items = [ranked("a", 0.0, 0), ranked("b", 0.0, 90)]
    assert set(names(choose_diverse(items, top_k=2, relevance_weight=0.8))) == {"a", "b"}


@pytest.mark.parametrize(
    ("other", "near_equal"),
    [
        pytest.param(PAGE, True, id="the same"),
        pytest.param(PAGE.replace("runs", "starts"), True, id="one word changed"),
        pytest.param(f"{PAGE}. It costs $20 a month.", False, id="a price added"),
        pytest.param(PAGE[: len(PAGE) // 2], False, id="half of it"),
        pytest.param("Support answers on weekdays.", False, id="another text"),
    ],
)
def test_near_equal_passages_have_nearly_the_same_words(other: str, near_equal: bool) -> None:
    one, two = make_candidate("a.md", text=PAGE), make_candidate("a.md", text=other)
    assert is_near_equal(one, two) is near_equal
    assert is_near_equal(two, one) is near_equal


def test_price_lists_that_differ_in_one_figure_are_two_facts() -> None:
    here = make_candidate("us", title="Prices, US", text=f"{PAGE}. The plan costs $299 a month.")
    there = make_candidate("eu", title="Prices, EU", text=f"{PAGE}. The plan costs $349 a month.")
    assert not is_near_equal(here, there)


def test_versions_of_one_page_count_as_one_although_their_version_numbers_differ() -> None:
    text = " ".join(f"step {word} of the installation" for word in PAGE.split())
    old = make_candidate("0.7/install.md", title="Install", text=f"{text}, version 7")
    new = make_candidate("0.8/install.md", title="Install", text=f"{text}, version 8")
    assert is_near_equal(old, new)
    elsewhere = make_candidate("0.8/upgrade.md", title="Upgrade", text=f"{text}, version 8")
    assert not is_near_equal(old, elsewhere)


def test_two_parts_of_one_document_under_one_heading_both_count() -> None:
    half = PAGE.split()
    first = make_candidate("a", title="Install", text=" ".join(half[:30]))
    second = make_candidate("a", title="Install", text=" ".join(half[6:]))
    assert not is_near_equal(first, second)
    moved = make_candidate("b", title="Install", text=" ".join(half[6:]))
    assert is_near_equal(first, moved), "in another document it is another version"
