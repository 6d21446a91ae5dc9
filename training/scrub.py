"""Personal data in a conversation: found by kind, and taken out by policy."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

from config.training import ScrubPolicy
from followup.lead import Lead
from followup.message import greeting_name, is_plain_name
from followup.sentences import join_units, keep_units, split_units
from training.rows import TrainingRow

_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_DIGIT_RUN = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof)\.?\s+[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?"  # noqa: RUF001
)
_MIN_PHONE_DIGITS = 7
_DIALLED = re.compile(r"^[+(0]|\d[ .()-]+\d")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_IBAN_LENGTHS = range(15, 35)
# A number that no operator has given out may still be somebody's, mistyped or new.
LENIENCY = phonenumbers.Leniency.POSSIBLE
INSTEAD = {
    "email": "an e-mail address",
    "phone": "a phone number",
    "card": "a card number",
    "iban": "an account number",
    "name": "a colleague",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data in a text, from `start` to before `end`."""

    start: int
    end: int
    kind: str


class Scrubber:
    """Takes personal data out of rows, and counts what it took by kind."""

    def __init__(self, policy: ScrubPolicy) -> None:
        self._policy = policy
        self._allowed = tuple(item.casefold() for item in policy.allowed)
        names = sorted(filter(None, policy.names), key=len, reverse=True)
        self._names = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
            if names
            else None
        )
        self.counts: Counter[str] = Counter()

    def scrub(self, row: TrainingRow) -> TrainingRow | None:
        """The row without personal data; None where nothing but it is left of the reply."""
        response = self._without_sentences(row.response, row.lead)
        if not response:
            return None
        lead = row.lead.model_copy(
            update={
                "interaction_history": self._replaced(row.lead.interaction_history, row.lead),
                "objections_raised": tuple(
                    self._replaced(item, row.lead) for item in row.lead.objections_raised
                ),
            }
        )
        cleaned = row.model_copy(update={"lead": lead, "response": response})
        return self._renamed(cleaned) if self._policy.lead_names == "replace" else cleaned

    def find(self, text: str) -> list[Finding]:
        """Personal data of every kind that the policy names, in order, without overlap."""
        found = sorted(self._all(text), key=lambda item: (item.start, -item.end))
        kept: list[Finding] = []
        for item in found:
            is_allowed = text[item.start : item.end].casefold().strip() in self._allowed
            if not is_allowed and (not kept or item.start >= kept[-1].end):
                kept.append(item)
        return kept

    def _all(self, text: str) -> Iterator[Finding]:
        policy = self._policy
        if policy.emails:
            yield from (Finding(*match.span(), "email") for match in _EMAIL.finditer(text))
        if policy.ibans:
            yield from (
                Finding(*match.span(), "iban")
                for match in _IBAN.finditer(text)
                if is_iban(match.group())
            )
        if policy.cards:
            yield from (
                Finding(*match.span(), "card")
                for match in _DIGIT_RUN.finditer(text)
                if is_card_number(match.group())
            )
        if policy.phones:
            for region in policy.phone_regions:
                yield from (
                    Finding(match.start, match.end, "phone")
                    for match in phonenumbers.PhoneNumberMatcher(text, region, LENIENCY)
                    if looks_dialled(match.raw_string)
                )
        if policy.titled_names:
            yield from (Finding(*match.span(), "name") for match in _TITLED.finditer(text))
        if self._names:
            yield from (Finding(*match.span(), "name") for match in self._names.finditer(text))

    def _found(self, text: str, lead: Lead) -> list[Finding]:
        """As `find`, but for the lead's own name: the greeting needs it."""
        own = lead.lead_name.casefold()
        return [
            item
            for item in self.find(text)
            if item.kind != "name"
            or text[item.start : item.end].casefold().split()[-1] not in own.split()
        ]

    def _replaced(self, text: str, lead: Lead) -> str:
        for item in reversed(self._found(text, lead)):
            self.counts[item.kind] += 1
            text = text[: item.start] + INSTEAD[item.kind] + text[item.end :]
        return text

    def _without_sentences(self, text: str, lead: Lead) -> str:
        """The text without the sentences that hold personal data, as it stood otherwise."""
        units = split_units(text)
        kept = []
        for index, unit in enumerate(units):
            found = self._found(unit.text, lead)
            self.counts.update(item.kind for item in found)
            if not found:
                kept.append(index)
        if len(kept) == len(units):
            return text
        says_something = any(not units[index].is_greeting for index in kept)
        return join_units(keep_units(units, kept)) if says_something else ""

    def _renamed(self, row: TrainingRow) -> TrainingRow:
        """The lead under another name, the same one in every row of that lead."""
        pool = self._policy.name_pool
        new = pool[int(hashlib.sha256(row.lead_key.encode()).hexdigest(), 16) % len(pool)]
        old = _own_names(row.lead)
        if not old:
            return row
        self.counts["lead_name"] += 1
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, old))})(?!\w)")
        lead = row.lead.model_copy(
            update={
                "lead_name": new,
                "interaction_history": pattern.sub(new, row.lead.interaction_history),
            }
        )
        return row.model_copy(update={"lead": lead, "response": pattern.sub(new, row.response)})


def _own_names(lead: Lead) -> Sequence[str]:
    """How a text may name the lead: in full, by first, by last name; the longest first."""
    first, last = greeting_name(lead), lead.lead_name.split()[-1]
    names = {lead.lead_name, first, *([last] if is_plain_name(last) else [])}
    return sorted(filter(None, names), key=len, reverse=True)


def looks_dialled(text: str) -> bool:
    """Whether a run of digits of a possible length is written as phone numbers are.

    It is long, and begins as one or is set in groups; "2,000", "24/7" and "2026-03-02" are not.
    """
    num_digits = sum(map(str.isdigit, text))
    return (
        num_digits >= _MIN_PHONE_DIGITS
        and _DATE.fullmatch(text) is None
        and _DIALLED.search(text) is not None
    )


def is_card_number(text: str) -> bool:
    """Whether 13 to 19 digits have a valid check digit (ISO/IEC 7812, Luhn)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]  # noqa: PLR2004
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits are valid (ISO 13616, modulo 97)."""
    compact = text.replace(" ", "")
    if len(compact) not in _IBAN_LENGTHS:
        return False
    digits = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return int(digits) % 97 == 1
