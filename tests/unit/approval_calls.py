"""How a caller and a reviewer use the HTTP API of `api_world`."""

from typing import Any

import httpx

from tests.unit.api_world import LEAD, RAG, World

APPROVALS = "/api/v1/approvals"
SOUND = (
    "Hi Sarah,\n\nThe Growth plan is our mid-tier plan: $299 per month.\n\n"
    "No rush at all, just reply whenever it suits you."
)


async def ask(world: World, key: str | None = None, **lead: Any) -> httpx.Response:
    return await world.post(RAG, {"lead_context": {**LEAD, **lead}}, key)


async def hold(world: World, **lead: Any) -> str:
    """Ask for a message that the policy holds; the id of its approval."""
    world.set_policy(random_share=1)
    response = await ask(world, **lead)
    assert response.status_code == 202
    approval: str = response.json()["approval"]["id"]
    return approval


async def decide(
    world: World, approval_id: str, action: str, key: str | None = None, **fields: object
) -> httpx.Response:
    return await world.post(f"{APPROVALS}/{approval_id}", {"action": action, **fields}, key)


async def pending(world: World, key: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get(f"{APPROVALS}?status=pending", key)).json()[
        "approvals"
    ]
    return found
