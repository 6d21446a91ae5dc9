"""The embedder on the real model."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE

from followup.backends.embedder import Embedder
from followup.backends.settings import EmbedderSettings
from followup.backends.token_counter import TokenCounter, reads_words_apart
from followup.errors import SettingError
from tests.integration.models import embedding_model_path

TEXTS = [
    "The mid-tier plan costs 299 dollars a month.",
    "How much is the middle plan?",
    "Our office dog likes long walks.",
    "Invoices are sent on the first day of the month. " * 20,
]


def make_embedder(
    precision: Literal["auto", "float32", "bfloat16"] = "float32",
    model_path: Path | None = None,
    model_name: str = "all-minilm-l6-v2",
) -> Embedder:
    return Embedder(
        EmbedderSettings(
            model_name=model_name,
            model_path=model_path or embedding_model_path(),
            precision=precision,
        )
    )


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return make_embedder()


def test_vectors_are_float32_of_length_one_in_the_order_of_the_texts(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed([text])[0], vector, atol=1e-5)


def test_a_question_is_nearer_to_its_answer_than_to_something_else(embedder: Embedder) -> None:
    answer, question, other, _ = embedder.embed(TEXTS)
    assert question @ answer > 0.5
    assert question @ other < 0.2


def test_the_same_list_gives_the_same_vectors(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.embed(TEXTS), embedder.embed(TEXTS))


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_texts_of_unlike_length_have_the_token_vectors_that_each_has_alone(
    embedder: Embedder,
) -> None:
    texts = [*TEXTS, *reversed(TEXTS)]
    together = embedder.embed_tokens(texts)
    assert len(together) == len(texts)
    for text, vectors in zip(texts, together, strict=True):
        np.testing.assert_allclose(embedder.embed_tokens([text])[0], vectors, atol=1e-4)
    assert embedder.embed_tokens([]) == []


def test_tokens_are_counted_beyond_what_the_model_reads(embedder: Embedder) -> None:
    assert embedder.max_tokens == 256
    assert embedder.count_tokens("hello world") == 4
    assert embedder.count_tokens("hello " * 1_000) == 1_002
    # Counting a long text must not switch off the cut that embedding needs.
    assert embedder.embed(["hello " * 1_000]).shape == (1, 384)


def test_threads_may_embed_and_count_at_the_same_time(embedder: Embedder) -> None:
    with ThreadPoolExecutor(4) as threads:
        vectors = [threads.submit(embedder.embed, TEXTS) for _ in range(4)]
        counts = [threads.submit(embedder.count_tokens, text) for text in TEXTS * 20]
        assert all(count.result() > 2 for count in counts)
        for result in vectors:
            np.testing.assert_array_equal(result.result(), embedder.embed(TEXTS))


def test_bfloat16_gives_nearly_the_same_vectors(embedder: Embedder) -> None:
    rounded = make_embedder("bfloat16").embed(TEXTS)
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rounded, axis=1), 1, atol=1e-6)
    assert (rounded * embedder.embed(TEXTS)).sum(axis=1).min() > 0.999


def test_auto_takes_bfloat16_only_where_it_measured_it_faster_and_as_good() -> None:
    chosen = make_embedder("auto")
    check = chosen.precision_check
    assert chosen.precision == (
        "bfloat16" if check is not None and check.prefers_bfloat16 else "float32"
    )


def test_auto_without_an_advantage_is_exactly_float32(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("followup.backends.embedder._has_bfloat16", lambda _device: True)
    monkeypatch.setattr("followup.backends.embedder.MIN_SPEEDUP", float("inf"))
    # Where bfloat16 is emulated, a long text takes seconds.
    monkeypatch.setattr("followup.backends.embedder._CHECK_TEXTS", ("A short text.",))
    cautious = make_embedder("auto")
    assert cautious.precision_check is not None
    assert cautious.precision == "float32"
    np.testing.assert_array_equal(cautious.embed(TEXTS), embedder.embed(TEXTS))


def test_the_fingerprint_names_model_and_weights_and_no_precision(
    embedder: Embedder, tmp_path: Path
) -> None:
    copied = tmp_path / "model"
    shutil.copytree(embedding_model_path(), copied)
    (copied / "README.md").write_text("another text")
    assert make_embedder(model_path=copied).fingerprint == embedder.fingerprint
    assert make_embedder(model_name="another").fingerprint != embedder.fingerprint
    assert make_embedder("float32").fingerprint == embedder.fingerprint
    weights = copied / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert make_embedder(model_path=copied).fingerprint != embedder.fingerprint


def test_a_missing_folder_names_the_command_that_fetches_the_model(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nothing' is not .* lead-assistant models pull"):
        make_embedder(model_path=tmp_path / "nothing")


def test_the_counter_without_a_model_counts_as_the_embedder_does(embedder: Embedder) -> None:
    counter = TokenCounter(embedding_model_path())
    texts = [*TEXTS, "", "preços 💶 über", "x" * 500, "a\n\nb"]
    assert counter.count_tokens_batch(texts) == embedder.count_tokens_batch(texts)
    assert counter.max_tokens == embedder.max_tokens


def test_where_it_reads_words_apart_a_text_counts_as_its_words_do(embedder: Embedder) -> None:
    counter = TokenCounter(embedding_model_path())
    assert counter.counts_add_up
    assert embedder.counts_add_up
    for text in (*TEXTS, "preços  💶 über\u00a0alles", "x" * 500 + " y\n\nz; (a,b)"):
        special, *words = counter.count_tokens_batch(["", *text.split()])
        assert counter.count_tokens_batch([text]) == [special + sum(n - special for n in words)]
    assert not reads_words_apart(Tokenizer(BPE()))


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"needs tokenizer\.json, and sentence_bert_config"):
        TokenCounter(tmp_path)
