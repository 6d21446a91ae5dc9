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
# "Weekly visit, chemicals extra."
_EXTRA = re.compile(r"(?:(?<=^)|(?<=[;,|] ))([^\W\d]+(?: [^\W\d]+)?) extra(?=\s*(?:[.;,|]|$))")
# "Quotes yes; floor plans no."
_NO_BEHIND = re.compile(r"(?<=[;,:] )((?:[\w-]+ ){1,4})no(?=\s*(?:[.;,]|$))")
_ZERO = re.compile(r"\b(?:0 ?%|0|zero) (?=(?:\w+ )?(?:commission|fees?|charges?|costs?)\b)", re.I)
_NEWS = re.compile(r"\bnews\b", re.IGNORECASE)
_NOT_YET = re.compile(r"(?<=not |n't )yet\b", re.IGNORECASE)
_PURPOSE = re.compile(r"\b(?:in order|so as) to\b", re.IGNORECASE)


_STEPS = (
    (("extra",), _EXTRA, r"no \1 included"),
    (("no",), _NO_BEHIND, r"no \1"),
    (("-",), _HYPHENED, ""),
    (("no",), _NAMED_NO, " "),
    (("0", "zero"), _ZERO, "no "),
    (("free", "charge", "fee"), _NOT_GRATIS, "is charged "),
    (("free",), _FREE_THING, "not charged"),
    (("no",), _NO_DENIAL, " "),
    (("free", "charge", "cost"), _GRATIS, "not charged"),
    (("yet",), _NOT_YET, ""),
    (("news",), _NEWS, "message"),
    ((",",), _WITH_ALL, " "),
    (("free",), _FREE_OF, "without"),
    # "Need no account in order to manage seats": the purpose is not denied.
    (("order", "so as"), _PURPOSE, ", "),
)
"""In order: words without which a pattern finds nothing, the pattern, and what it is replaced by.

Most sentences have none of the words, and looking for those is much cheaper.
"""


def plainly(sentence: str) -> str:
    """The folded sentence: "is not charged" for "is free", and without what denies nothing."""
    text = fold(sentence)
    for words, pattern, plain in _STEPS:
        lower = text.lower()
        if any(word in lower for word in words):
            text = pattern.sub(plain, text)
    return text
