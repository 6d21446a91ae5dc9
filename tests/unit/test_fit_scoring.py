"""`train fit-scoring`: weights that outcomes bear out, judged on leads that were not fitted on."""

import random
from datetime import date
from pathlib import Path

import pytest
import yaml

from config.lead_map_file import read_lead_map
from config.settings import load_settings
from followup.errors import InvalidInputError
from followup.lead import CompanySize, EngagementPattern
from followup.lead_map import LeadMap
from followup.scoring import ScoringRules
from tests.training_data import write_csv
from training.fit_scoring import ScoringReport, fit_scoring
from training.outcomes import Outcomes, read_outcomes
from training.scoring_report import write_scoring

PATTERNS = ("daily", "weekly", "periodic", "sporadic", "silent")
TODAY = date(2026, 11, 23)
EXAMPLE_MAP = Path(__file__).parents[2] / "examples/lead_maps/uci_bank_marketing.yaml"
SIZES = ("startup", "smb", "midmarket", "enterprise")


def made_leads(number: int, seed: int = 3) -> list[dict[str, str]]:
    """Leads whose outcome hangs on recency and pattern alone: daily ones buy least."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    rows = []
    for _ in range(number):
        pattern, days = draw.choice(PATTERNS), draw.randint(0, 200)
        chance = 0.05 + 0.12 * PATTERNS.index(pattern) + 0.4 * 0.5 ** (days / 30)
        rows.append(
            {
                "engagement_score": str(draw.randint(0, 100)),
                "engagement_pattern": pattern,
                "days_since_contact": str(days),
                "company_size": draw.choice(SIZES),
                "converted": str(int(draw.random() < chance)),
            }
        )
    return rows


def outcomes_of(path: Path) -> Outcomes:
    return read_outcomes(path, LeadMap(), TODAY)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ScoringReport:
    path = tmp_path_factory.mktemp("leads") / "leads.csv"
    found = outcomes_of(write_csv(path, made_leads(3_000)))
    assert found.bad == []
    return fit_scoring(found.leads, load_settings().scoring)


def test_factors_that_tell_something_get_the_weight(report: ScoringReport) -> None:
    weights = report.rules.weights
    assert weights.recency + weights.interaction_frequency > 0.85
    assert report.rules.frequency[EngagementPattern.SILENT] == 100
    assert report.rules.frequency[EngagementPattern.DAILY] == 0


def test_the_fitted_rules_rank_unseen_leads_better(report: ScoringReport) -> None:
    assert report.fitted.auc > report.before.auc + 0.05
    assert report.auc_gain[1] > 0
    assert report.fitted.brier < report.brier_of_the_mean
    assert report.fitted.top_tenth_lift > 1.3
    assert report.num_test_leads == 900


def test_estimated_probabilities_are_near_what_became_of_the_leads(report: ScoringReport) -> None:
    gaps = [abs(item.estimated - item.converted) for item in report.fitted.reliability]
    assert sum(gaps) / len(gaps) < 0.08


def test_what_is_written_can_be_used_as_scoring_yaml(report: ScoringReport, tmp_path: Path) -> None:
    write_scoring(report, tmp_path)
    written = yaml.safe_load((tmp_path / "scoring.yaml").read_text())
    assert ScoringRules.model_validate(written) == report.rules
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_outcomes_without_any_pattern_gain_nothing(tmp_path: Path) -> None:
    rows = made_leads(1_500)
    outcomes = [row["converted"] for row in rows]
    random.Random(1).shuffle(outcomes)  # noqa: S311 - no secret
    shuffled = [row | {"converted": value} for row, value in zip(rows, outcomes, strict=True)]
    found = outcomes_of(write_csv(tmp_path / "leads.csv", shuffled))
    try:
        report = fit_scoring(found.leads, load_settings().scoring)
    except InvalidInputError as error:
        assert "nothing is fitted" in error.message
    else:
        assert report.auc_gain[1] < 0.02
        assert abs(report.fitted.auc - 0.5) < 0.1


def test_bad_rows_are_listed_and_too_few_are_refused(tmp_path: Path) -> None:
    rows = made_leads(50)
    rows[3]["converted"] = "maybe"
    rows[5]["days_since_contact"] = "-4"
    found = outcomes_of(write_csv(tmp_path / "leads.csv", rows))
    assert [bad.line for bad in found.bad] == [5, 7]
    assert "'converted' has value 'maybe'" in found.bad[0].reason
    with pytest.raises(InvalidInputError, match=r"48 leads, .* are too few: 200"):
        fit_scoring(found.leads, load_settings().scoring)


def test_a_map_names_the_columns_of_outcomes_that_have_names_of_their_own(tmp_path: Path) -> None:
    columns = ("Cust_num", "poutcome", "contact", "previous", "pdays", "balance", "job", "y")
    contacts = [
        ("1", "success", "cellular", "9", "92", "6000", "management", "yes"),
        ("2", "unknown", "unknown", "0", "-1", "-310", "technician", "no"),
        ("3", "failure", "telephone", "1", "400", "x", "retired", "no"),
    ]
    path = write_csv(
        tmp_path / "bank.csv", [dict(zip(columns, row, strict=True)) for row in contacts]
    )
    found = read_outcomes(path, read_lead_map(tmp_path, str(EXAMPLE_MAP)), TODAY, outcome="y")
    first, second = found.leads
    assert (first.converted, second.converted) == (True, False)
    assert first.lead.engagement_pattern is EngagementPattern.DAILY
    assert (first.lead.engagement_score, first.lead.days_since_contact) == (90, 92)
    assert first.lead.company_size is CompanySize.ENTERPRISE
    assert second.lead.engagement_pattern is EngagementPattern.SILENT
    assert (second.lead.engagement_score, second.lead.days_since_contact) == (20, None)
    assert second.lead.company_size is CompanySize.STARTUP
    [bad] = found.bad
    assert bad.line == 4
    assert "'company_size' has value 'x'" in bad.reason


def test_outcomes_without_a_factor_name_the_map_as_the_way_out(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "leads.csv", [{"balance": "3", "converted": "1"}])
    with pytest.raises(InvalidInputError, match="--map"):
        outcomes_of(path)
