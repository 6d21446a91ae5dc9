"""How well a message keeps a tone."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from followup.lead import Tone
from followup.tone import ToneRules, tone_features, tone_score
from tests.unit.leads import rules

SAMPLES = yaml.safe_load((Path(__file__).parent / "tone_samples.yaml").read_text())
MIN_MARGIN = 0.2


@pytest.mark.parametrize("half", ["development", "held_out"])
@pytest.mark.parametrize("tone", Tone)
def test_a_message_scores_clearly_highest_in_its_own_tone(tone: Tone, half: str) -> None:
    for message in SAMPLES[tone][half]:
        scores = {other: tone_score(message, other, rules().tones) for other in Tone}
        own = scores.pop(tone)
        assert own >= max(scores.values()) + MIN_MARGIN, (message, own, scores)


@pytest.mark.parametrize(
    ("message", "feature", "value"),
    [
        pytest.param("It's fine and we'll see, don't worry.", "contractions", 1, id="contractions"),
        pytest.param("Great! Nice!", "exclamations", 1, id="exclamations"),
        pytest.param("You and your team.", "second_person", 1, id="you"),
        pytest.param("What does your team need?", "needs_question", 1, id="needs-question"),
        pytest.param("What a day.", "needs_question", 0, id="no-question"),
        pytest.param("word " * 20 + ".", "long_sentences", 1, id="long"),
        pytest.param("Short one. And one more.", "long_sentences", 0, id="short"),
        pytest.param("It might, or perhaps it could.", "hedges", 1, id="markers"),
        pytest.param("mightier", "hedges", 0, id="part-of-a-word"),
    ],
)
def test_a_feature_is_what_it_says(message: str, feature: str, value: float) -> None:
    assert tone_features(message, rules().tones)[feature] == pytest.approx(value)


def test_more_of_a_marker_never_lowers_its_own_tone() -> None:
    plain = "The plan covers reminders."
    warm = "I understand. " + plain
    for_tone = rules().tones
    assert tone_score(warm, Tone.EMPATHETIC, for_tone) > tone_score(
        plain, Tone.EMPATHETIC, for_tone
    )


@given(st.text(max_size=400), st.sampled_from(Tone))
def test_the_score_stays_between_zero_and_one(message: str, tone: Tone) -> None:
    assert 0 <= tone_score(message, tone, rules().tones) <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"weights": {}}, "weights lack", id="missing-tone"),
        pytest.param(
            {"weights": {tone: {"volume": 1} for tone in Tone}}, "name .'volume'", id="feature"
        ),
    ],
)
def test_a_wrong_weight_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ToneRules.model_validate(rules().tones.model_dump() | change)
