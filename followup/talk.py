"""Sentences in which writer and reader speak of each other, and what they say beyond that.

"Thank you for your patience", "I looked into your questions", "Let me know what you think": a
document can neither support nor refute these. What follows "that" or a colon is a statement again.
"""

import re

_ADVERB = r"""(?:also|and|but|so|again|of\scourse|meanwhile|then|in\sshort|as\spromised|just|simply
    |please\sjust|feel\sfree\sto|(?:don't|do\snot)\shesitate\sto|whenever\sit\ssuits\syou)\b,?\s*"""
_OPENS = re.compile(
    rf"""^(?:{_ADVERB})*(?:
    # thanks, wishes, feelings
    (?:many\s)?thanks?\b | sorry\b | apologies\b | congrat\w*\b | hop(?:e|ing)\b
  | (?:(?:it|that|this)(?:'s|\s(?:is|was|sounds|makes|seems|must\sbe))\s(?:\w+\s){{0,2}})?
    (?:great|good|lovely|nice|happy|glad|pleased|delighted|wonderful|pleasure|excited|sorry|fair)
    \s(?:to|that|of|for|question|point)\b
  | (?:that|this|it)\s(?:sounds|seems|makes\ssense|must\sbe)\b | it(?:'s|\shas)\sbeen\b
  | looking\sforward\b | much\sappreciated\b
    # the writer, but for what the writer offers
  | (?:i|i'm|i've|i'd|i'll|my)\b
    (?!\s(?:\w+\s){{0,2}}(?:offer|give|provide|include|guarantee|promise|grant|waive|add)\b)
    # requests to the reader, no pressure
  | (?:an?|one|two|three|some|few|short|quick|brief|small|our)\s(?:\w+\s){{0,2}}?(?:notes?|words?
      |clarifications?|points?|facts?|things?|remarks?|updates?|answers?|thoughts?|follow-ups?)\b
      (?!\s(?:is|are|was|were)\b)
  | please\b | let\s(?:me|us)\b | let's\b
  | (?:tell|send|give|drop|call|write|ask|email)\s(?:me|us)\b
  | (?:reply|respond|answer|write|reach|have\sa|say|forgive|feel\sfree|find\s(?:attached|below))\b
  | (?:don't|do\snot)\s(?:hesitate|worry)\b | take\s(?:all\s)?(?:the|your)\stime\b
  | (?:(?:there\sis|there's|with)\s)?(?:absolutely\s)?no\s(?:rush|pressure|hurry|obligation|worries
      |problem|need\sto\s(?:reply|decide|rush|hurry))\b
    # the message itself
  | (?:here|below|attached)(?:'s|\s(?:is|are|you))\b
    # what the two may do, what the reader said or wants
  | (?:we|you)(?:\scan|\scould|'d|\swould|\smight|\smay)\s(?:always\s|then\s|also\s|both\s)?
    (?:talk|chat|speak|meet|discuss|look\sat|go\s(?:through|over)|walk|catch|reply|write|ask)\b
  | you(?:'ve|\shave|\sdid|\swere|'re|\sare)?\s(?:also\s)?(?:asked?|mentioned|said|told|wrote
      |described|raised|wanted|worried|wondered|wondering|afraid|unsure
      |shared|explained|seem|sounded|are\swelcome)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_EMPATHY = re.compile(
    r"^i(?:'m| am)?\s(?:\w+\s)?(?:understand|know|see|reali[sz]e|imagine|appreciate|hear|gather)\b",
    re.IGNORECASE,
)
# "If it helps, ...", "From what you describe, ...", "Whatever you decide, ..."
_OPENING_CLAUSE = re.compile(
    r"^(?:if|when|whenever|whatever|however|wherever|once|as|since|from|following|after|before|given"
    r"|based on|on|regarding|should you|in case)\b(?:[^,]|,(?=\d)){0,80},\s+",
    re.IGNORECASE,
)
# "Maria, ..."
_ADDRESS = re.compile(r"^(?!No(?:body|ne|thing)\b)[A-Z]\w+,\s(?=\w+\s\w+)")
_STATEMENT = re.compile(
    r"\bthat\s(?=\S+\s\S+\s\S)|[:;–—]\s|,\s(?:and|but|because|since|while|as)\s"  # noqa: RUF001
)

_TELLS_OF_WRITER = re.compile(
    rf"""^(?:{_ADVERB})*(?:i|we)(?:'ve|\shave|\shad|'d)?\s(?:(?:just|recently|also|already|really|had|been
    |personally|finally|now|since|carefully)\s)*
    (?:\w{{2,}}ed|spoke|met|saw|read|had|went|took|got|found|sent|wrote|heard|made|came|talked|seen
    |taken|spoken|written|gone|reviewing|working|looking|speaking)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def tells_of_writer(sentence: str) -> bool:
    """Whether the sentence tells what the writer did: "I've just finished reviewing your demo"."""
    return (
        _TELLS_OF_WRITER.match(sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")) is not None
    )


def checkable_part(sentence: str) -> str:
    """The sentence; of talk between writer and reader only what it states beyond it, or ""."""
    rest = sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    address = _ADDRESS.match(rest)
    if address:
        rest = rest[address.end() :]
    opening = _OPENING_CLAUSE.match(rest)
    if opening:
        rest = rest[opening.end() :]
    if _EMPATHY.match(rest):
        return ""
    if _OPENS.match(rest):
        stated = _STATEMENT.search(rest)
        return checkable_part(rest[stated.end() :]) if stated else ""
    return rest if opening or address else sentence
