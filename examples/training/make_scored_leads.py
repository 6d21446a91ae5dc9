"""python -m examples.training.make_scored_leads BANK_MARKET_CSV FILE

Turns the UCI Bank Marketing contacts into leads with outcomes, for 'train fit-scoring'. A bank's
telephone campaign is not a CRM: engagement is how the last campaign ended and how willingly the
contact is reached, the pattern how often there was contact before, recency the days since, and the
size of the account stands for the size of the company. `duration` is left out: it is known only
after the call.
"""

import csv
import sys
from pathlib import Path

OUTCOME_POINTS = {"success": 60, "other": 30, "unknown": 20, "failure": 10}
CHANNEL_POINTS = {"cellular": 30, "telephone": 25, "unknown": 0}
OWNS_NOTHING_POINTS = 10
PATTERNS = ((8, "daily"), (4, "weekly"), (2, "periodic"), (1, "sporadic"), (0, "silent"))
SIZES = ((5_000, "enterprise"), (1_500, "midmarket"), (300, "smb"))
NEVER = "-1"
COLUMNS = (
    "lead_id", "engagement_score", "engagement_pattern", "days_since_contact", "company_size",
    "converted",
)  # fmt: skip


def to_lead(contact: dict[str, str]) -> dict[str, str | int]:
    """The lead of one contact."""
    points = OUTCOME_POINTS[contact["poutcome"]] + CHANNEL_POINTS[contact["contact"]]
    points += OWNS_NOTHING_POINTS * (contact["housing"] == "no" and contact["loan"] == "no")
    previous, balance = int(contact["previous"]), int(contact["balance"])
    return {
        "lead_id": contact["Cust_num"],
        "engagement_score": points,
        "engagement_pattern": next(name for least, name in PATTERNS if previous >= least),
        "days_since_contact": "" if contact["pdays"] == NEVER else contact["pdays"],
        "company_size": next((name for least, name in SIZES if balance >= least), "startup"),
        "converted": int(contact["y"] == "yes"),
    }


def main(source: str, target: str) -> None:
    """Write the file."""
    with Path(source).open(encoding="utf-8") as given:
        leads = [to_lead(contact) for contact in csv.DictReader(given)]
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(leads)
    print(f"{len(leads)} leads in {target}")


if __name__ == "__main__":
    main(*sys.argv[1:])
