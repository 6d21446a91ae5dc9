"""A model small enough to train in a test, and conversations to train it on."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from followup.backends.settings import EngineSettings

COLUMNS = (
    "lead_name", "product", "industry", "lead_score", "interaction_history", "successful_response",
)  # fmt: skip
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TOPICS = (
    "the price", "the trial", "onboarding", "reports", "the API", "security", "support", "exports",
    "currencies", "reminders", "taxes", "roles", "backups", "webhooks", "approvals", "discounts",
)  # fmt: skip
NAMES = ("Sarah", "Miguel", "Aisha", "Tom", "Ingrid", "Kenji", "Fatima", "Luca", "Priya", "Noah")


def write_tiny_model(folder: Path, hidden_size: int = 16) -> Path:
    """A Llama of random weights with a tokenizer of bytes, as a Hugging Face folder."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|im_start|>", "<|im_end|>"]
    vocabulary = {token: index for index, token in enumerate([*alphabet, *special])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",  # noqa: S106 - no password
        bos_token="<|im_start|>",  # noqa: S106 - no password
        chat_template=CHAT_TEMPLATE,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=hidden_size,
            intermediate_size=2 * hidden_size,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=4_096,
            bos_token_id=vocabulary["<|im_start|>"],
            eos_token_id=vocabulary["<|im_end|>"],
            tie_word_embeddings=True,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_engine(folder: Path) -> EngineSettings:
    """Engine settings of that model."""
    return EngineSettings(
        engine="transformers", model_name="tiny", model_path=folder, context_tokens=4_096
    )


def conversation(number: int, **changes: str) -> dict[str, str]:
    """Fields of a sound row; each number gives another lead and another reply."""
    name, topic = NAMES[number % len(NAMES)], TOPICS[number % len(TOPICS)]
    words = " ".join(TOPICS[(number * step + step) % len(TOPICS)] for step in (3, 5, 7, 11, 13))
    return {
        "lead_name": f"{name} {number}",
        "product": "AI Billing Software",
        "industry": ("retail", "logistics", "healthcare")[number % 3],
        "lead_score": str(20 + number % 80),
        "interaction_history": f"Asked about {topic} in call {number}. Notes: {words}.",
        "successful_response": (
            f"Hi {name},\n\nThank you for asking about {topic}. I can go through {words} with "
            f"you.\n\nNo rush, just reply whenever it suits you."
        ),
    } | changes


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """The rows as the CSV of the specification."""
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row)) or list(COLUMNS)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(listed)
    return path
