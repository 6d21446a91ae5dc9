"""Changes that a sentence tells: "from 31% to 4%", "after 31 days, down from 47"."""

from followup.claims import Claim, ClaimKind, ReadSentence, read_sentence


def is_turned_round(claim: Claim, read: ReadSentence, evidence: str) -> bool:
    """Whether "from 9 to 2" is told where the evidence tells "from 2 to 9"; the claim is the 2."""
    ends = _ends_of_change(read, claim)
    if ends is None or not evidence:
        return False
    there = read_sentence(evidence)
    told = [found for other in there.claims if (found := _ends_of_change(there, other))]
    return ends not in told and ends[::-1] in told


def _ends_of_change(read: ReadSentence, claim: Claim) -> tuple[str, str] | None:
    """The two values of "from A to B" where the claim is B."""
    before = [c for c in read.claims if c.end == claim.start - 1 and c.start]
    if not before or read.tokens[claim.start - 1].lower != "to":
        return None
    is_from = read.tokens[before[0].start - 1].lower == "from"
    return (before[0].value, claim.value) if is_from else None


def is_other_end(claim: Claim, read: ReadSentence) -> bool:
    """Whether a bare number is the other end of a change: "after 31 days, down from 47"."""
    before = [token.lower for token in read.tokens[max(0, claim.start - 2) : claim.start]]
    is_end = before[-1:] in (["from"], ["to"]) or before in (["instead", "of"], ["rather", "than"])
    is_end &= before != ["up", "to"]
    return (
        claim.kind is ClaimKind.NUMBER
        and is_end
        and any(c.kind is ClaimKind.DURATION and c.start < claim.start for c in read.claims)
    )
