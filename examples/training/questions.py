"""Turns "Asked whether X." in a CRM note into the lead's own question: "Live chat: is X?" """

import random
import re

ASKED = re.compile(r"[^.]*\b[Aa]sked (?P<clause>[^.]+)\.")
CHANNELS = (
    "Emailed us",
    "Live chat",
    "Voicemail",
    "Support ticket",
    "Question on the call",
    "Wrote",
)
ABOUT = (
    "what about {noun}?",
    "can you tell me more about {noun}?",
    "I have a question about {noun}.",
)
FORMS = (
    (re.compile(r"whether there (?P<verb>is|are) (?P<rest>.+)"), "{verb} there {rest}?"),
    (re.compile(r"whether (?P<who>.+?) (?P<verb>can|is|are) (?P<rest>.+)"), "{verb} {who} {rest}?"),
    (
        re.compile(r"whether (?P<who>it|\S+) (?P<verb>\w+)s (?P<rest>.+)"),
        "does {who} {verb} {rest}?",
    ),
    (
        re.compile(
            r"(?P<wh>how much|how long|what|which \w+|how many \w+(?: a week)?) (?P<who>.+?) "
            r"(?P<verb>cost|take|include|allow)s(?P<rest>.*)"
        ),
        "{wh} does {who} {verb}{rest}?",
    ),
    (re.compile(r"(?P<who>who|what) (?P<rest>\w+s .+)"), "{who} {rest}?"),
)
OTHERWISE = ("I would like to know {clause}.", "please tell me {clause}.")


def as_own_question(history: str, draw: random.Random) -> str:
    """The history with its first question in the lead's words; as it was where nobody asked."""
    match = ASKED.search(history)
    if match is None:
        return history
    asked = _question(match["clause"], draw)
    before, after = history[: match.start()].strip(), history[match.end() :].strip()
    told = f"{draw.choice(CHANNELS)}: {asked}"
    return " ".join(part for part in (before, told, after) if part)


def _question(clause: str, draw: random.Random) -> str:
    if clause.startswith("about "):
        return draw.choice(ABOUT).format(noun=clause.removeprefix("about "))
    for pattern, form in FORMS:
        match = pattern.fullmatch(clause)
        if match:
            return form.format(**match.groupdict())
    return draw.choice(OTHERWISE).format(clause=clause)
