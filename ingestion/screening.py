"""Finds suspicious text in a parsed file, marks the blocks that hold it, and applies the policy."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace

from config.ingestion import FlagKind, FlagPolicy, ScreeningPolicy
from ingestion.document import Block, Document, Flag, Paragraph, Section
from ingestion.instructions import find_instructions
from ingestion.rejects import RejectCode, RejectedFileError

_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])")
_URL_SAFE = str.maketrans("-_", "+/")
_MIN_DATA_CHARACTERS = 160
_MIN_HIDDEN_WORDS = 3
_MAX_EXCERPT = 160
_READABLE = re.compile(r"[A-Za-z0-9\s.,;:!?'\"()<>|/-]")
_MIN_READABLE_SHARE = 0.95


def screen(document: Document, hidden: tuple[str, ...], policy: ScreeningPolicy) -> Document:
    """The document with its suspicious blocks flagged; kinds that the policy ignores are not.

    `hidden` holds the texts that a reader cannot see. Raises RejectedFileError where the policy
    quarantines what was found.
    """
    kept = tuple(kind for kind in FlagKind if policy.of(kind) is not FlagPolicy.IGNORE)
    flags = [flag for flag in _hidden_flags(hidden) if flag.kind in kept]
    flags += [flag for flag in _text_flags(document.title) if flag.kind in kept]
    sections = []
    for section in document.sections:
        heading = [flag for flag in _text_flags(_heading(section)) if flag.kind in kept]
        flags += heading
        blocks = []
        for block in section.blocks:
            found = [flag for flag in _block_flags(block) if flag.kind in kept]
            flags += found
            blocks.append(_marked(block, [*heading, *found]))
        sections.append(Section(section.heading_path, tuple(blocks)))
    _quarantine(flags, policy)
    return replace(document, sections=tuple(sections), flags=tuple(flags)) if flags else document


def _quarantine(flags: list[Flag], policy: ScreeningPolicy) -> None:
    for flag in flags:
        if policy.of(flag.kind) is FlagPolicy.QUARANTINE:
            where = f" on page {flag.page}" if flag.page else ""
            reason = f"it is quarantined for {flag.kind}{where}: '{flag.excerpt}'"
            raise RejectedFileError(RejectCode.QUARANTINED, reason)


def _heading(section: Section) -> str:
    return section.heading_path[-1] if section.heading_path else ""


def _marked(block: Block, flags: list[Flag]) -> Block:
    kinds = tuple(dict.fromkeys(flag.kind for flag in flags))
    return replace(block, flags=kinds) if kinds != block.flags else block


def _block_flags(block: Block) -> Iterator[Flag]:
    text = block_text(block)
    for kind in block.flags:  # what the parser saw before the text was normalised
        yield Flag(kind, text[:_MAX_EXCERPT], block.page)
    for flag in _text_flags(text):
        yield replace(flag, page=block.page)


def block_text(block: Block) -> str:
    """All text of a block; a table's with a line for each row."""
    if isinstance(block, Paragraph):
        return block.text
    return "\n".join(" ".join(row) for row in (block.header, *block.rows))


def _text_flags(text: str) -> Iterator[Flag]:
    for found in find_instructions(text):
        yield Flag(found.kind, found.excerpt)
    for blob in _BASE64.findall(text):
        if decoded := _decoded_text(blob):
            for found in find_instructions(decoded):
                yield Flag(FlagKind.HIDDEN_INSTRUCTION, found.excerpt)
        if len(blob) >= _MIN_DATA_CHARACTERS:
            yield Flag(FlagKind.ENCODED_DATA, blob[:_MAX_EXCERPT])


def _hidden_flags(hidden: tuple[str, ...]) -> Iterator[Flag]:
    for text in hidden:
        for found in find_instructions(text):
            yield Flag(FlagKind.HIDDEN_INSTRUCTION, found.excerpt)
        if len(text.split()) >= _MIN_HIDDEN_WORDS:
            yield Flag(FlagKind.HIDDEN_TEXT, text[:_MAX_EXCERPT])


def _decoded_text(blob: str) -> str:
    """What base64 spells where that is readable text; empty otherwise."""
    padded = blob.rstrip("=") + "=" * (-len(blob.rstrip("=")) % 4)
    try:
        text = base64.b64decode(padded.translate(_URL_SAFE)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    readable = len(_READABLE.findall(text))
    return text if readable >= _MIN_READABLE_SHARE * len(text) else ""
