"""Characters that a reader cannot see and that change what a machine reads.

Many have honest uses: joiners in emoji and in Arabic or Indic script, direction marks in text that
has right-to-left letters, a soft hyphen in a long word. Those are not reported.
"""

import re

# Inside a word of plain letters a zero-width character only hides the word from a filter.
_ZERO_WIDTH_IN_WORD = re.compile("[A-Za-z0-9][\u200b-\u200f\u2060-\u2064\ufeff]+[A-Za-z0-9]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_TAG_OFFSET = 0xE0000
_TAG = re.compile("[\U000e0020-\U000e007e]")
# Scotland's, Wales's and England's flags are spelled with tag characters.
_FLAG_EMOJI = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")
# Supplementary variation selectors encode bytes; a glyph takes at most one.
_VARIATION_RUN = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")


def has_invisible_characters(text: str) -> bool:
    """Whether the text holds zero-width characters inside words, or hidden directions or tags."""
    if text.isascii():
        return False
    if _ZERO_WIDTH_IN_WORD.search(text) or _VARIATION_RUN.search(text):
        return True
    if _DIRECTION.search(text) and not _RIGHT_TO_LEFT.search(text):
        return True
    return bool(_TAG.search(_FLAG_EMOJI.sub("", text)))


def tag_text(text: str) -> str:
    """What tag characters spell: each stands for the ASCII character 0xE0000 below it."""
    return "".join(chr(ord(tag) - _TAG_OFFSET) for tag in _TAG.findall(text))
