"""From a plan and a prompt to an engine's options, and from its text to a candidate.

The graph and bulk work both do it here, so that a row is what the endpoint writes.
"""

from typing import Protocol

from followup.backends.engines.protocol import Generation, Sampling
from followup.fusion import Candidate, CandidatePlan
from followup.prompts import Prompt
from followup.request import GenerationOptions


class Defaults(Protocol):
    """How tokens are drawn where a request does not say."""

    @property
    def top_p(self) -> float:
        """Share of the probability that is drawn from."""

    @property
    def repetition_penalty(self) -> float:
        """Divides the logit of tokens already there; 1 changes nothing."""

    @property
    def seed(self) -> int:
        """Seed of the draw."""


def sampling_of(defaults: Defaults, options: GenerationOptions) -> Sampling:
    """How one candidate is drawn."""
    return Sampling(
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        top_p=defaults.top_p,
        repetition_penalty=defaults.repetition_penalty,
        seed=defaults.seed,
    )


def candidate_of(plan: CandidatePlan, prompt: Prompt, generation: Generation) -> Candidate:
    """What an engine wrote, behind the beginning that it was given."""
    return Candidate(
        name=plan.name,
        text=prompt.reply_start + generation.text,
        truncated=generation.finish_reason == "length",
        mean_log_prob=generation.mean_log_prob,
        num_prompt_tokens=generation.num_prompt_tokens,
        num_completion_tokens=generation.num_completion_tokens,
    )
