"""Training rows as token ids: the prompt exactly as serving sends it, and the reply to learn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from followup.backends.engines.request import encode
from followup.prompts import Approach, Prompt, PromptTemplates, render_prompt
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules, score_lead
from followup.situation import Situation, detect_situation
from training.rows import TrainingRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class PromptRules:
    """What decides a prompt, besides the lead and the passages."""

    templates: PromptTemplates
    scoring: ScoringRules
    compliance: ComplianceRules


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """The prompt of a row, and the text that the model is to add to it."""

    prompt: Prompt
    target: str
    situation: Situation

    @property
    def opens_as_served(self) -> bool:
        """Whether the prompt ends with the beginning of the reply, as it does in serving."""
        return bool(self.prompt.reply_start)


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids; the loss is taken on those of the target alone."""

    prompt_ids: list[int]
    target_ids: list[int]
    """Ends with the model's end of turn."""

    @property
    def num_tokens(self) -> int:
        """Of prompt and target."""
        return len(self.prompt_ids) + len(self.target_ids)


def render_row(row: TrainingRow, rules: PromptRules) -> RenderedRow:
    """The serving prompt: of hybrid for a row with passages, of finetuned for one without.

    Serving begins every reply with the template's `reply_start`. A reply that begins with it is
    learned from there on; another is learned whole, from a prompt without that beginning.
    """
    situation = detect_situation(row.lead, rules.compliance)
    prompt = render_prompt(
        Approach.HYBRID if row.passages else Approach.FINETUNED,
        row.lead,
        row.as_passages(),
        strategy=score_lead(row.lead, rules.scoring).strategy,
        situation=situation,
        templates=rules.templates,
    )
    if row.response.startswith(prompt.reply_start):
        return RenderedRow(prompt, row.response[len(prompt.reply_start) :], situation)
    return RenderedRow(replace(prompt, reply_start=""), row.response, situation)


def encode_rows(
    rows: Sequence[TrainingRow],
    rules: PromptRules,
    tokenizer: "PreTrainedTokenizerBase",
    end_token_id: int,
) -> list[Example]:
    """The rows as token ids. Target tokens are counted apart from the prompt's, as in serving."""
    examples = []
    for row in rows:
        rendered = render_row(row, rules)
        target_ids = tokenizer.encode(rendered.target, add_special_tokens=False)
        examples.append(Example(encode(tokenizer, rendered.prompt), [*target_ids, end_token_id]))
    return examples


def within(examples: Sequence[Example], max_tokens: int) -> list[Example]:
    """The examples that fit. A cut prompt would be another than serving sends."""
    return [example for example in examples if example.num_tokens <= max_tokens]
