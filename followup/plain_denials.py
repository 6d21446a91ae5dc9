"""Rewrites ways of denying, and of saying that something is free, into plain ones."""

import re

from followup.tokens import fold

# They deny nothing of what follows: "no later than May", "not only", "no pressure".
_NO_DENIAL = re.compile(
    r"\b(?:no (?:later|more|less|fewer|sooner|earlier|matter|doubt|pressure|rush|hurry|problem|"
    r"worries|need to (?:worry|rush|hurry|reply|decide))|not (?:only|just|merely|to mention|least)|"
    r"no\.? ?(?=\d)|no(?=\s*[,.!;:]))",
    re.IGNORECASE,
)
_FREE_OF = re.compile(r"\bfree (?:of|from)\b(?! charge)", re.IGNORECASE)
# What costs nothing is not charged, however it is said.
_GRATIS = re.compile(
    r"\bfree of charge\b|\bat no (?:extra |additional )?(?:charge|cost)\b|\bfor free\b|"
    r"\bcosts? nothing\b|(?<=\bis )free\b(?! (?:of|from|to))|(?<=\bare )free\b(?! (?:of|from|to))",
    re.IGNORECASE,
)
# "Free shipping", but neither "a free trial" nor "feel free".
_FREE_THING = re.compile(
    r"(?:(?<=^)|(?<=[.;:,] )|(?<=\bwith ))[Ff]ree\b(?= \w)"
    r"(?! (?:of|from|to|trial|demo|account|plan|version|month|day|hour|and|for|in|on)\w*\b)"
)
_NOT_GRATIS = re.compile(
    r"\b(?:(?:is|are) not|isn't|aren't) (?:free of charge|free(?! (?:of|from|to)))\b|"
    r"\bthere(?:'s| is) a (?:sur)?charge for\b|\bfor a fee\b",
    re.IGNORECASE,
)
_WITH_ALL = re.compile(r",\s(?:(?:not )?(?:even|including)\s[^,]{1,20}|\w+\sincluded),\s")
# No opposite of old.
# "Check-in" holds no preposition, "no-show" and "answer NO" no denial.
_HYPHENED = re.compile(r"(?<=\w)-(?:in|out|up|on|off|over|by|to|down)\b")
_NAMED_NO = re.compile(r"\b[Nn]o-(?=shows?\b|reply\b)|(?<=[a-z] )NO\b")
# "Quotes yes; floor plans no."
_NO_BEHIND = re.compile(r"(?<=[;,:] )((?:[\w-]+ ){1,4})no(?=\s*(?:[.;,]|$))")
_ZERO = re.compile(r"\b(?:0 ?%|0|zero) (?=(?:\w+ )?(?:commission|fees?|charges?|costs?)\b)", re.I)
_NEWS = re.compile(r"\bnews\b", re.IGNORECASE)
_NOT_YET = re.compile(r"(?<=not |n't )yet\b", re.IGNORECASE)
_PURPOSE = re.compile(r"\b(?:in order|so as) to\b", re.IGNORECASE)


def plainly(sentence: str) -> str:
    """The folded sentence: "is not charged" for "is free", and without what denies nothing."""
    folded = _NO_BEHIND.sub(r"no \1", fold(sentence))
    folded = _ZERO.sub("no ", _NAMED_NO.sub(" ", _HYPHENED.sub("", folded)))
    paid = _NOT_GRATIS.sub("is charged ", folded)
    gratis = _FREE_THING.sub("not charged", paid)
    gratis = _GRATIS.sub("not charged", _NO_DENIAL.sub(" ", gratis))
    gratis = _WITH_ALL.sub(" ", _NEWS.sub("message", _NOT_YET.sub("", gratis)))
    # "Need no account in order to manage seats": the purpose is not denied.
    return _PURPOSE.sub(", ", _FREE_OF.sub("without", gratis))
