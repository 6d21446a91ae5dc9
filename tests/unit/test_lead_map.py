"""Columns and values of CRM exports become the fields of a lead."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.reading import read_yaml
from followup.errors import InvalidInputError
from followup.lead import Lead
from followup.lead_map import ColumnPlan, LeadMap, with_defaults

MAPS = Path(__file__).parents[2] / "config" / "lead_maps"
TODAY = date(2026, 11, 22)


def mapped(lead_map: LeadMap, row: dict[str, object]) -> tuple[dict[str, object], bool]:
    found = ColumnPlan(tuple(row), lead_map, TODAY).read(tuple(row.values()))
    return found.fields, found.opted_out


def test_a_salesforce_export_becomes_a_lead() -> None:
    row = {
        "Id": "00Q1", "FirstName": "Sarah", "LastName": "Chen", "Account Name": "Northwind",
        "Description": "Asked for a quote.", "Status": "Working - Contacted", "Industry": "Retail",
        "NumberOfEmployees": "1,200", "Amount": "24000.0", "LastActivityDate": "2026-11-12",
        "HasOptedOutOfEmail": "false", "OwnerId": "005",
    }  # fmt: skip
    salesforce = with_defaults(read_yaml(MAPS / "salesforce.yaml", LeadMap), {"product_name": "AI"})
    fields, opted_out = mapped(salesforce, dict(row))
    assert Lead.model_validate(fields) == Lead.model_validate(
        {
            "lead_name": "Sarah Chen", "company_name": "Northwind", "product_name": "AI",
            "interaction_history": "Asked for a quote.", "lead_stage": "consideration",
            "lead_industry": "Retail", "company_size": "midmarket", "deal_value": 24_000,
            "days_since_contact": 10,
        }
    )  # fmt: skip
    assert not opted_out
    assert mapped(salesforce, {**row, "HasOptedOutOfEmail": "1"})[1]
    plan = ColumnPlan(tuple(row), salesforce, TODAY)
    assert plan.unknown == ("OwnerId",)


def test_a_hubspot_export_becomes_a_lead() -> None:
    row: dict[str, object] = {
        "Record ID": 77, "First Name": "Omar", "Last Name": None, "Company Name": "Acme",
        "Lifecycle Stage": "Sales Qualified Lead", "Number of Employees": "5-25",
        "HubSpot Score": "61", "Last Activity Date": "2026-11-20 09:30",
        "Unsubscribed from all email": "true",
    }  # fmt: skip
    fields, opted_out = mapped(read_yaml(MAPS / "hubspot.yaml", LeadMap), row)
    assert fields == {
        "lead_name": "Omar", "company_name": "Acme", "lead_stage": "consideration",
        "company_size": "startup", "lead_score": "61", "days_since_contact": 2,
    }  # fmt: skip
    assert opted_out


@pytest.mark.parametrize("nothing", ["", "  ", "NaN", "null", "N/A", None, float("nan")])
def test_what_says_nothing_is_no_value(nothing: object) -> None:
    fields, _ = mapped(LeadMap(), {"id": 1, "engagement_score": nothing, "company_size": nothing})
    assert fields == {}


def test_values_are_mapped_as_they_are_written_and_numbers_by_bands() -> None:
    lead_map = LeadMap.model_validate(
        {
            "columns": {"engagement_score": ["duration"], "days_since_contact": ["pdays"]},
            "values": {"days_since_contact": {"-1": "none"}},
            "at_least": {"engagement_score": {"20": 0, "50": 120, "90": 600}},
        }
    )
    rows = [{"id": 1, "duration": "261", "pdays": pdays} for pdays in ("-1", -1, "1")]
    assert [mapped(lead_map, dict(row))[0] for row in rows] == [
        {"engagement_score": "50"},
        {"engagement_score": "50"},
        {"engagement_score": "50", "days_since_contact": "1"},
    ]


def test_names_are_found_in_any_spelling_and_lists_are_split() -> None:
    row = {
        "LEAD-ID": "1",
        "Lead Name": "Ada",
        "Company size": "Enterprise",
        "Objections raised": "a; b;",
    }
    fields, _ = mapped(LeadMap(), dict(row))
    assert fields == {
        "lead_name": "Ada", "company_size": "enterprise", "objections_raised": ["a", "b"],
    }  # fmt: skip


def test_a_list_without_ids_is_refused_with_its_columns() -> None:
    with pytest.raises(InvalidInputError, match=r"'lead_name', 'score'.*--map"):
        ColumnPlan(("lead_name", "score"), LeadMap(), TODAY)


def test_a_map_of_no_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="no field of a lead: name"):
        LeadMap.model_validate({"columns": {"name": ["Name"]}})
    with pytest.raises(InvalidInputError, match="set names 'name'"):
        with_defaults(LeadMap(), {"name": "x"})
