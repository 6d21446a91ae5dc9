"""Leads and rules for the tests of messages."""

from functools import cache
from pathlib import Path

import yaml

from followup.compliance import ComplianceRules
from followup.lead import Lead

COMPLIANCE_FILE = Path(__file__).parents[2] / "config" / "compliance.yaml"


@cache
def rules() -> ComplianceRules:
    """The rules that ship."""
    return ComplianceRules.model_validate(yaml.safe_load(COMPLIANCE_FILE.read_text()))


def lead(history: str = "Asked about the demo.", **fields: object) -> Lead:
    known: dict[str, object] = {
        "lead_name": "Sarah Chen",
        "product_name": "AI Billing Software",
        "company_name": "TechCorp",
        "interaction_history": history,
    }
    return Lead.model_validate(known | fields)
