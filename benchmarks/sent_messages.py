"""What leads get from the running service: whole, sound, or a fallback?

    make serve
    python -m benchmarks.sent_messages

Hybrid with the published adapter next to rag, the base model alone, for the same leads. A message
is good where it is no fallback, keeps all rules, and states no value that neither its documents nor
the request do; the tests' second reader of values decides that.
"""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import track

from benchmarks.results import Target, write_results
from config.settings import Settings, load_settings
from followup.compliance import check_rules
from followup.lead import Lead
from followup.situation import detect_situation
from tests.behaviour.sent_replies import unstated, without_hybrid_fields
from tests.integration.running_graph import HYBRID, RAG

FRESH_LEADS = Path(__file__).parent / "leads" / "fresh.jsonl"
CONCURRENCY = 6
TIMEOUT_SECONDS = 120.0
GOAL = 0.85
PATHS = {"hybrid": HYBRID, "rag": RAG}


def main(
    leads: Annotated[
        Path, typer.Option(help="JSON lines, each the lead_context of a hybrid request.")
    ] = FRESH_LEADS,
    url: Annotated[str, typer.Option(help="Of the running service.")] = "http://127.0.0.1:8000",
) -> None:
    """Ask, judge, print, write results/sent_messages.json with every message."""
    contexts = [json.loads(line) for line in leads.read_text(encoding="utf-8").splitlines()]
    settings = load_settings()
    rows = []
    for approach in PATHS:
        bodies = [
            {"lead_context": lead if approach == "hybrid" else without_hybrid_fields(lead)}
            for lead in contexts
        ]
        with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
            replies = _ask(client, approach, bodies)
        judged = [
            _judged(body, reply, settings) for body, reply in zip(bodies, replies, strict=True)
        ]
        rows.append(_summary(approach, judged))
        print({name: value for name, value in rows[-1].items() if name != "messages"})
    share = rows[0]["good"] / len(contexts)
    targets = [Target("good hybrid messages", share, GOAL, "share")]
    write_results("sent_messages", "python -m benchmarks.sent_messages", rows, targets)


def _ask(
    client: httpx.Client, approach: str, bodies: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    def ask(body: dict[str, Any]) -> dict[str, Any]:
        response = client.post(PATHS[approach], json=body)
        response.raise_for_status()
        reply: dict[str, Any] = response.json()
        return reply

    with ThreadPoolExecutor(CONCURRENCY) as threads:
        return list(track(threads.map(ask, bodies), description=approach, total=len(bodies)))


def _judged(body: dict[str, Any], reply: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The reply's text with what is wrong with it."""
    lead = Lead.model_validate(body["lead_context"])
    situation = detect_situation(lead, settings.compliance)
    broken = check_rules(reply["message"], lead, situation, settings.compliance)
    candidates = reply.get("generation_metadata", {}).get("candidates", [])
    return {
        "history": lead.interaction_history,
        "situation": situation,
        "message": reply["message"],
        "fallback_reason": reply["fallback_reason"],
        "broken_rules": sorted({violation.rule for violation in broken}),
        "unsupported_values": sorted(found.value for found in unstated(body, reply)),
        "repairs": {item["name"]: item["repair"] for item in candidates if item["sound"]},
    }


def _summary(approach: str, judged: Sequence[dict[str, Any]]) -> dict[str, Any]:
    drafts = Counter(
        f"{name}: {repair}" for item in judged for name, repair in item["repairs"].items()
    )
    return {
        "approach": approach,
        "leads": len(judged),
        "good": sum(map(_is_good, judged)),
        "fallbacks": Counter(item["fallback_reason"] for item in judged if item["fallback_reason"]),
        "broken_rules": Counter(rule for item in judged for rule in item["broken_rules"]),
        "with_unsupported_values": sum(bool(item["unsupported_values"]) for item in judged),
        "sound_drafts_by_repair": drafts,
        "messages": list(judged),
    }


def _is_good(item: dict[str, Any]) -> bool:
    return not (item["fallback_reason"] or item["broken_rules"] or item["unsupported_values"])


if __name__ == "__main__":
    typer.run(main)
