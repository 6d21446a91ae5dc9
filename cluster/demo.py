"""Sends the example requests over HTTP and shows the replies with their sources."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.panel import Panel
from rich.text import Text

from cluster.application import base_url
from cluster.reporting import Reporter
from config.environment import Environment

MARGIN_SECONDS = 10.0
"""Beyond the service's own deadline, so that its answer and not our time limit is seen."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request file of examples/requests/ and the route it is for."""

    name: str
    path: str


EXAMPLES = (
    Example("rag", "/rag/api/v1/rag/generate-followup"),
    Example("hybrid", "/hybrid/api/v1/hybrid/generate-followup"),
    Example("finetuned", "/finetuned/api/v1/finetuned/generate-followup"),
    Example("score", "/api/v1/leads/score"),
)
FACTS = (
    "confidence_score", "hybrid_confidence", "grounding_verified", "strategy_used",
    "personalization_score", "cached", "fallback", "request_id",
)  # fmt: skip


def run_demo(environment: Environment, folder: Path, reporter: Reporter) -> list[str]:
    """Send every example; the names of those that failed.

    That no adapter is published yet, or that the caller has no key at hand, is no failure.
    """
    key = environment.api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = environment.request_timeout_seconds + MARGIN_SECONDS
    failed = []
    with httpx.Client(base_url=base_url(environment), headers=headers, timeout=timeout) as client:
        for example in EXAMPLES:
            request = json.loads((folder / f"{example.name}.json").read_text(encoding="utf-8"))
            try:
                response = client.post(example.path, json=request)
            except httpx.HTTPError as error:
                reporter.note(f"{example.name}: {type(error).__name__} {error}")
                failed.append(example.name)
                continue
            if response.status_code == httpx.codes.UNAUTHORIZED:
                reporter.note("Keys exist. Set API_KEY to one with the scope generate.")
                break
            if not _show(example, response, reporter):
                failed.append(example.name)
    return failed


def _show(example: Example, response: httpx.Response, reporter: Reporter) -> bool:
    """Print a reply; False when it is a failure."""
    try:
        body = response.json()
    except json.JSONDecodeError:
        body = {}
    if response.is_success:
        title = f"{example.name}  POST {example.path}"
        panel = Panel(_lines(body), title=title, title_align="left")
        reporter.console.print(panel, soft_wrap=False)
        return True
    error = body.get("error", {})
    reporter.note(
        f"{example.name}: {response.status_code} {error.get('code', '')} {error.get('message', '')}"
    )
    return bool(error.get("code") == "adapter_missing")


def _lines(body: dict[str, Any]) -> Text:
    """The message, its sources, and the facts of a reply."""
    text = Text()
    if "message" in body:
        text.append(f"{body['message']}\n\n")
    sources = body.get("retrieval_sources", body.get("rag_sources"))
    if sources is not None:
        text.append(f"Sources: {', '.join(sources) or 'none'}\n", style="cyan")
    facts = [f"{name}: {_shown(body[name])}" for name in FACTS if name in body]
    facts.extend(
        f"{lead['lead_name']}: {_shown(lead['score'])}, {lead['strategy']}"
        for lead in body.get("results", ())
    )
    text.append("\n".join(facts), style="dim")
    return text


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
