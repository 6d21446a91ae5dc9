"""Different leads with what they said so far; the same ones every time."""

import random
from typing import Any

_FIRST = (
    "Amara", "Bruno", "Chloe", "Dmitri", "Esther", "Farid", "Greta", "Hiro", "Ines", "Jonas",
    "Keiko", "Lars", "Mona", "Nils", "Olga", "Paulo", "Quinn", "Rosa", "Samir", "Tess",
)  # fmt: skip
_LAST = (
    "Abara", "Brandt", "Castell", "Dahl", "Eriksen", "Fontaine", "Grigoryan", "Hassan", "Ivers",
    "Jensen",
)  # fmt: skip
_INDUSTRIES = (
    "logistics", "healthcare", "software", "retail", "education", "manufacturing", "legal services",
    "hospitality", "nonprofit", "construction",
)  # fmt: skip
_REGIONS = ("North America", "Europe", "Latin America", "Asia Pacific", "")
_HISTORIES = {
    "price": (
        "Asked what the mid-tier plan costs and what it includes.",
        "Wants to know the difference between the Starter and the Growth price.",
        "Asked if there is a discount for paying a whole year at once.",
        "Budget is ${budget} a month. Asked which plan fits.",
    ),
    "too expensive": (
        "Said that the price is too high for a team of {people} people.",
        "Liked the demo, but thinks it is too expensive next to a spreadsheet.",
    ),
    "security": (
        "Asked where data is stored and whether there is a SOC 2 report.",
        "Their auditor wants to know how long backups are kept.",
    ),
    "integrations": (
        "They use QuickBooks and want to know how the integration works.",
        "Asked if Salesforce can be connected without a programmer.",
        "Needs NetSuite and asked which plan has it.",
    ),
    "customers": (
        "Asked for results of other {industry} companies.",
        "Wants to hear how much time other customers save each week.",
        "Asked how many failed payments other companies get back.",
    ),
    "switching": (
        "Worried that switching will take months. They send {invoices} invoices a month.",
        "Asked how long onboarding takes and who helps.",
    ),
    "trial": (
        "Asked how long the trial lasts and whether a credit card is needed.",
        "Started the trial on March {day} and has not logged in since.",
    ),
    "competitor": (
        "Compares us with Chargebee and asked what we do better.",
        "Has used Zuora for {years} years and is not happy with the support.",
    ),
    "silent": (
        "Downloaded the pricing sheet. No answer to {mails} e-mails since.",
        "Watched a webinar in spring, then went silent.",
    ),
    "not interested": (
        "Wrote that they are not interested at the moment.",
        "Said they decided to stay with their present tool for now.",
    ),
    "volume": (
        "Types about {invoices} invoices a month by hand and loses {hours} hours a week on it.",
        "About {share}% of their customers pay late, which hurts the cash flow.",
    ),
    "support": (
        "Asked when support is open and how fast it answers.",
        "Wants to talk to a person by phone when something breaks.",
    ),
}
_OBJECTIONS = {"too expensive": ["too expensive"], "switching": ["switching is risky"]}


def different_leads(num_leads: int) -> list[dict[str, Any]]:
    """Contexts of rag and hybrid requests; every topic comes up equally often."""
    draw = random.Random(2026)  # noqa: S311 - no secret
    topics = sorted(_HISTORIES)
    return [_lead(index, topics[index % len(topics)], draw) for index in range(num_leads)]


def _lead(index: int, topic: str, draw: random.Random) -> dict[str, Any]:
    industry = draw.choice(_INDUSTRIES)
    history = draw.choice(_HISTORIES[topic]).format(
        budget=draw.choice([150, 320, 475, 1250]),
        people=draw.randint(4, 90),
        industry=industry,
        invoices=draw.choice([130, 420, 1_750, 5_300]),
        day=draw.randint(2, 28),
        years=draw.randint(2, 6),
        mails=draw.randint(2, 5),
        hours=draw.randint(6, 33),
        share=draw.randint(16, 43),
    )
    return {
        "lead_name": f"{_FIRST[index % 20]} {_LAST[index // 20 % 10]}",
        "product_name": "AI Billing Software",
        "company_name": "TechCorp",
        "product_category": "billing software",
        "interaction_history": history,
        "lead_stage": draw.choice(["awareness", "consideration", "decision"]),
        "engagement_score": draw.randint(5, 98),
        "days_since_contact": draw.randint(1, 25) + (120 if topic == "silent" else 0),
        "tone_required": draw.choice(
            ["friendly_helpful", "professional", "consultative", "empathetic"]
        ),
        "lead_industry": industry,
        "company_size": draw.choice(["startup", "smb", "midmarket", "enterprise"]),
        "engagement_pattern": "silent" if topic == "silent" else draw.choice(["weekly", "daily"]),
        "objections_raised": _OBJECTIONS.get(topic, []),
        "geographic_region": draw.choice(_REGIONS),
    }
