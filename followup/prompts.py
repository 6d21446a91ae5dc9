"""The one place where a prompt is made. Training and serving both call `render_prompt`."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from jinja2 import StrictUndefined, Template
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, field_validator

from followup.lead import Lead, Tone
from followup.message import greeting_name
from followup.passage import Passage
from followup.scoring import Strategy
from followup.situation import Situation

# Tokenizers read these inside untrusted text as special tokens, which would end its turn.
CHAT_MARKERS = re.compile(
    r"<\|[^|<>]{0,64}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:bos|eos|pad|unk)>|"
    r"<(?:repo|file|gh|issue|jupyter|empty)_?[a-z_]{0,32}>",
    re.IGNORECASE,
)


class Approach(StrEnum):
    RAG = "rag"
    FINETUNED = "finetuned"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat prompt of two turns; the engine applies the model's own chat template.

    `reply_start` is the beginning of the reply: the engine appends it after the template's marker
    of the assistant's turn, the model goes on from there, and the generated text is what follows.
    """

    system: str
    user: str
    reply_start: str = ""


class Fault(BaseModel):
    """What kept a draft from being sent: words of the model, so as little trusted as a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(description="The sentence or the words that are wrong.")
    reason: str = Field(description="Why they are.")


class PromptTemplate(BaseModel):
    """One file of `config/prompts/`: the parts of an approach's prompt, each a Jinja template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    instructions: str
    constraints: str
    anti_hallucination: str
    context: str
    output_format: str
    reply_start: str

    @field_validator("*")
    @classmethod
    def _compiles(cls, source: str) -> str:
        return _checked_template(source)


class Guidance(BaseModel):
    """`config/prompts/guidance.yaml`: what each tone, strategy and situation asks of a message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_document_words: int = Field(ge=50, description="Words of the passages put in a prompt.")
    max_faults: int = Field(ge=1, description="Faults of a draft told to its second writing.")
    max_fault_words: int = Field(ge=5, description="Words of one fault put in a prompt.")
    revision: str = Field(description="Jinja template of the faults, put behind the context.")
    tones: dict[Tone, str]
    strategies: dict[Strategy, str]
    situations: dict[Situation, str]

    @field_validator("revision")
    @classmethod
    def _compiles(cls, source: str) -> str:
        return _checked_template(source)


class PromptTemplates(BaseModel):
    """All prompt templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approaches: dict[Approach, PromptTemplate]
    guidance: Guidance

    @property
    def version(self) -> str:
        """12 hex digits that change with any word of any template."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def render_prompt(
    approach: Approach,
    lead: Lead,
    passages: Sequence[Passage],
    *,
    strategy: Strategy,
    situation: Situation,
    templates: PromptTemplates,
    faults: Sequence[Fault] = (),
) -> Prompt:
    """Make the prompt of one message. The same arguments give the same prompt, always.

    `faults` are those of a first draft; with them the prompt asks for another.
    """
    template = templates.approaches[approach]
    guidance = templates.guidance
    values: dict[str, object] = {
        "lead": _lead_values(lead),
        "documents": _documents(passages, guidance.max_document_words),
        "tone": guidance.tones[lead.tone_required],
        "strategy": guidance.strategies[strategy],
        "situation": guidance.situations[situation],
        "faults": _faults(faults, guidance),
    }
    system = (
        template.role,
        template.instructions,
        template.constraints,
        template.anti_hallucination,
    )
    revision = guidance.revision if faults else ""
    user = (template.context, revision, template.output_format)
    return Prompt(
        system=" ".join(_fill(part, values) for part in system if part).strip(),
        user="\n\n".join(_fill(part, values) for part in user if part).strip(),
        reply_start=_fill(template.reply_start, values, strip=False),
    )


def neutralise(text: str) -> str:
    """Untrusted text as data: without chat markers, so that it cannot open or close a turn."""
    previous = None
    while previous != text:
        previous, text = text, CHAT_MARKERS.sub(" ", text)
    return text


def _lead_values(lead: Lead) -> dict[str, object]:
    values: dict[str, object] = {
        name: neutralise(value) if isinstance(value, str) else value
        for name, value in lead.model_dump(mode="json").items()
    }
    values["objections_raised"] = [neutralise(item) for item in lead.objections_raised if item]
    values["first_name"] = greeting_name(lead) or "there"
    return values


def _documents(passages: Sequence[Passage], max_words: int) -> list[str]:
    """The passages' texts, best first, cut at max_words in all."""
    texts = []
    left = max_words
    for passage in passages:
        words = neutralise(passage.chunk.text).split()
        if left <= 0 or not words:
            break
        texts.append(" ".join(words[:left]))
        left -= len(words)
    return texts


def _faults(faults: Sequence[Fault], guidance: Guidance) -> list[dict[str, str]]:
    """The first faults, each cut; quotation marks cannot end where the template's own do."""

    def cut(text: str) -> str:
        words = neutralise(text).replace('"', "'").split()
        return " ".join(words[: guidance.max_fault_words])

    told = dict.fromkeys(faults)
    return [
        {"text": cut(fault.text), "reason": cut(fault.reason)}
        for fault in list(told)[: guidance.max_faults]
    ]


def _checked_template(source: str) -> str:
    try:
        _compile(source)
    except TemplateError as error:
        message = f"is not a valid Jinja template: {error}"
        raise ValueError(message) from error
    return source


@lru_cache(maxsize=256)
def _compile(source: str) -> Template:
    # Plain text, not HTML: nothing is escaped here, and values are never rendered a second time.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(source)


def _fill(source: str, values: dict[str, object], *, strip: bool = True) -> str:
    text = _compile(source).render(values)
    return text.strip() if strip else text
