"""A document as every reader returns it: sections of paragraphs and tables, in reading order."""

from dataclasses import dataclass
from enum import StrEnum

from config.ingestion import FlagKind

MAX_TITLE_CHARACTERS = 200


class TextKind(StrEnum):
    """What a piece of text is on its page."""

    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    CODE = "code"
    """Its line ends and indents are kept."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text in one piece. `page` is 1-based; 0 where the format has no pages."""

    text: str
    page: int = 0
    kind: TextKind = TextKind.PARAGRAPH
    flags: tuple[FlagKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; every row is as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    page: int = 0
    flags: tuple[FlagKind, ...] = ()

    def row_text(self, row: tuple[str, ...]) -> str:
        """A row as 'Plan: Growth; Price per month: $299', so that a figure keeps its subject."""
        named = zip(self.header, row, strict=True)
        return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


Block = Paragraph | Table


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading. `heading_path` runs from the outermost heading inwards."""

    heading_path: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """Suspicious text that was found: its kind, its beginning, and its 1-based page or 0."""

    kind: FlagKind
    excerpt: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `path` is relative to its knowledge base, with forward slashes."""

    path: str
    title: str
    source_type: str
    format: str
    sections: tuple[Section, ...]
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a parser makes of one file. Empty title or source_type: the file names none.

    `hidden` holds the texts that a reader of the file cannot see; they are in no section.
    """

    sections: tuple[Section, ...]
    title: str = ""
    source_type: str = ""
    hidden: tuple[str, ...] = ()
