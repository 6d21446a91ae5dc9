"""Text as it is indexed: one form for what looks the same, nothing that cannot be seen."""

import re
import unicodedata

from followup.lead import normalise_text

# Compatibility forms that stand for the same letters: ligatures of PDF fonts, full-width forms,
# mathematical alphabets. NFKC as a whole would also turn '10²' into '102' and '½' into '1/2'.
_COMPATIBLE_RANGES = ((0xFB00, 0xFB06), (0xFF01, 0xFF5E), (0x1D400, 0x1D7FF), (0x2100, 0x2101))
_COMPATIBLE = {
    code: unicodedata.normalize("NFKC", chr(code))
    for first, last in _COMPATIBLE_RANGES
    for code in range(first, last + 1)
}
_TAB_WIDTH = 4
_SPLIT_WORD = re.compile(r"[^\W\d_]-$")


def clean_text(text: str) -> str:
    """Normalised text on one line: NFC, ligatures spelled out, no invisible characters."""
    return normalise_text(text if text.isascii() else text.translate(_COMPATIBLE))


def clean_code(text: str) -> str:
    """Code with its lines and indents, each line normalised; no empty lines at either end."""
    lines = []
    for line in text.expandtabs(_TAB_WIDTH).splitlines():
        content = line.lstrip(" ")
        indent = line[: len(line) - len(content)]
        lines.append((indent + clean_text(content)).rstrip())
    return "\n".join(lines).strip("\n")


def join_lines(paragraph: str, line: str) -> str:
    """The paragraph with its next line; a word split by a hyphen at the line's end is made whole.

    A soft hyphen at the end always splits a word; an ordinary one only before a small letter.
    """
    if paragraph.endswith("\u00ad"):
        return paragraph[:-1] + line
    if _SPLIT_WORD.search(paragraph) and line[:1].islower():
        return paragraph[:-1] + line
    return f"{paragraph} {line}" if paragraph else line
