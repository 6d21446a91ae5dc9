"""Words of a PDF page, and the lines that they stand on. Lengths are in points, from the top."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ingestion.normalisation import join_lines

# A wider gap than this, in font sizes, parts two cells or columns; a justified line has less.
_MIN_CELL_GAP = 1.0
_WORD_GAP = 0.15
# pdfminer writes a glyph without a known character as (cid:N). In TeX's text fonts these five are
# ligatures; between letters that is what they are.
_GLYPH = re.compile(r"\(cid:(\d+)\)")
_TEX_LIGATURES = {"11": "ff", "12": "fi", "13": "fl", "14": "ffi", "15": "ffl"}
_BESIDE_LETTER = re.compile(r"(?<=[^\W\d_])\(cid:(1[1-5])\)|\(cid:(1[1-5])\)(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one line, from left to right; never empty."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with one space between them."""
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.words[0].x0

    @property
    def x1(self) -> float:
        """Right edge."""
        return max(word.x1 for word in self.words)

    @property
    def top(self) -> float:
        """Upper edge."""
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return max(word.bottom for word in self.words)

    @property
    def size(self) -> float:
        """The usual font size of its words."""
        return median(word.size for word in self.words)

    @property
    def is_bold(self) -> bool:
        """Whether every word is bold."""
        return all(word.bold for word in self.words)

    def cells(self) -> list["Line"]:
        """The parts of the line that wide gaps keep apart."""
        groups: list[list[Word]] = [[self.words[0]]]
        for word in self.words[1:]:
            before = groups[-1][-1]
            if word.x0 - before.x1 > _MIN_CELL_GAP * min(word.size, before.size):
                groups.append([word])
            else:
                groups[-1].append(word)
        return [Line(tuple(group)) for group in groups]


def page_words(page: Any) -> list[Word]:
    """The words of a pdfplumber page, as the page has them: not normalised."""
    found = page.extract_words(
        x_tolerance_ratio=_WORD_GAP, extra_attrs=["fontname", "size"], expand_ligatures=False
    )
    return [
        Word(
            text=text,
            x0=word["x0"],
            x1=word["x1"],
            top=word["top"],
            bottom=word["bottom"],
            size=round(word["size"], 1),
            bold="bold" in word["fontname"].lower() or "black" in word["fontname"].lower(),
        )
        for word in found
        if (text := _readable(word["text"]))
    ]


def _readable(text: str) -> str:
    """The text without glyphs that stand for no known character."""
    if "(cid:" in text:
        text = _BESIDE_LETTER.sub(lambda found: _TEX_LIGATURES[found[1] or found[2]], text)
        text = _GLYPH.sub("", text)
    return text.strip()


def to_lines(words: Iterable[Word]) -> list[Line]:
    """Words grouped into lines by their height on the page, from the top down."""
    groups: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.x0)):
        middle = (word.top + word.bottom) / 2
        if groups and groups[-1][0].top <= middle <= groups[-1][0].bottom:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [Line(tuple(sorted(group, key=lambda word: word.x0))) for group in groups]


def joined_text(lines: Sequence[Line]) -> str:
    """Lines as running text."""
    text = ""
    for line in lines:
        text = join_lines(text, line.text)
    return text
