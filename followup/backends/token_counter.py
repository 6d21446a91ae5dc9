"""Counts tokens as the embedding model does, without loading the model."""

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from followup.errors import SettingError

_TOKENIZER_FILE = "tokenizer.json"
_LIMIT_FILE = "sentence_bert_config.json"


class TokenCounter:
    """The tokenizer of a sentence-transformers folder. Safe to call from several threads.

    Raises SettingError where the folder lacks the tokenizer or does not say its limit.
    """

    def __init__(self, model_path: Path) -> None:
        try:
            limits = json.loads((model_path / _LIMIT_FILE).read_text(encoding="utf-8"))
            self.max_tokens = int(limits["max_seq_length"])
            self._tokenizer = Tokenizer.from_file(str(self._tokenizer_file(model_path)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = (
                f"'{model_path}' needs {_TOKENIZER_FILE}, and {_LIMIT_FILE} with max_seq_length "
                f"({type(error).__name__}: {error}). Save the model again with a fast tokenizer."
            )
            raise SettingError(message, field="model_path") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @property
    def counts_add_up(self) -> bool:
        """Whether a text has as many tokens as its parts between spaces have together."""
        return reads_words_apart(self._tokenizer)

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""
        return [len(found.ids) for found in self._tokenizer.encode_batch_fast(list(texts))]

    @staticmethod
    def _tokenizer_file(model_path: Path) -> Path:
        path = model_path / _TOKENIZER_FILE
        if not path.is_file():
            message = f"{_TOKENIZER_FILE} is missing"
            raise OSError(message)
        return path


def reads_words_apart(tokenizer: Tokenizer) -> bool:
    """Whether it cuts at spaces before anything else and keeps none, as BERT's does.

    Others merge a space with what follows, or drop words that are too many together.
    """
    return (
        isinstance(tokenizer.normalizer, BertNormalizer)
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and isinstance(tokenizer.model, WordPiece)
    )
