"""Passages of a small knowledge base for the tests of grounding."""

from followup.passage import Chunk, Passage


def passage(document: str, text: str, title: str = "", section: str = "") -> Passage:
    chunk = Chunk(
        chunk_id=f"{document}:{section}",
        document=document,
        title=title or document,
        section=section,
        source_type="faq",
        position=0,
        text=text,
    )
    return Passage(chunk=chunk, score=0.9)


PLANS = passage(
    "pricing/choosing.md",
    "The Starter plan costs $99 per month. The Growth plan is the mid-tier plan and costs $299 per "
    "month. The Growth plan includes everything in Starter, plus Salesforce, payment recovery, 12 "
    "currencies and an onboarding specialist. An extra seat costs $15 per user per month. "
    "Support answers Monday to Friday. The trial lasts 14 days. Prices hold until March 3rd, 2026.",
    title="Choosing a Plan",
)
SHEET = passage(
    "pricing/sheet.pdf",
    "Plan: Starter; Price per month: $99; Price per year: $990; Users: 3\n"
    "Plan: Growth (mid-tier); Price per month: $299; Price per year: $2,990; Users: 10\n"
    "Plan: Enterprise; Price per month: from $899; Price per year: from $8,990; Users: Unlimited",
    title="Prices",
)
PIPES = passage(
    "pricing/discounts.md",
    "| Feature | Basic | Scale |\n|---|---|---|\n| Discount | 5% | 20% |\n| Fee | $7 | $70 |",
    title="Discounts",
)
NORTHWIND = passage(
    "case_studies/northwind.pdf",
    "Northwind Freight cut billing errors by 45%. It was live 3 weeks after signing. Teams save "
    "15–20 hours a week. Read more at https://techcorp.example/northwind or ask "
    "sales@techcorp.example, phone +1 555 010 9999.",
    title="Case Study: Northwind Freight",
)
CORVANE = passage(
    "case_studies/corvane.pdf",
    "Corvane Software now recovers 71% of its failed payments. "
    "Corvane Software saves 20 hours a week.",
    title="Case Study: Corvane Software",
)
PASSAGES = (PLANS, SHEET, PIPES, NORTHWIND, CORVANE)
REQUEST = "\n".join(
    (
        "Sarah Chen",
        "AI Billing Software",
        "TechCorp",
        "Sarah asked about the mid-tier plan on 2026-01-15. Her budget is $350 per month. "
        "She wants a call next Tuesday.",
    )
)
