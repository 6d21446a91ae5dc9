"""Reads one file of a knowledge base, whatever its format, into a Document or a Reject."""

import csv
import io
import re
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from yaml import YAMLError

from config.ingestion import IngestionLimits, IngestionSettings
from followup.passage import SOURCE_TYPE_PATTERN
from ingestion.document import MAX_TITLE_CHARACTERS, Document, ParsedFile, Section
from ingestion.encoding import decode_text
from ingestion.file_kind import FileFormat, file_format
from ingestion.html_parser import parse_html_file
from ingestion.markdown_parser import parse_markdown_file
from ingestion.normalisation import clean_text
from ingestion.rejects import Reject, RejectCode, RejectedFileError
from ingestion.screening import block_text, screen
from ingestion.section_builder import SectionBuilder

READER_VERSION = 2
"""Part of every document's fingerprint: raise it when a reader gives another text for a file."""

DEFAULT_SOURCE_TYPE = "general"
# Parsers meet damaged files with whatever their code happens to trip over. This lists those types,
# so that one bad file becomes a reject while cancellation and out-of-memory are not taken for it.
_DAMAGED_FILE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,  # what lxml's parse errors are
    TypeError,
    ValueError,
    YAMLError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def parse_document(name: str, content: bytes, settings: IngestionSettings) -> Document | Reject:
    """One file's document, or why there is none.

    `name` is the file's path inside its knowledge base, with forward slashes. The source type is
    the one that the front matter names, else the first folder of `name`, else `general`. A file
    that is empty, too large, encrypted, damaged, wrongly named, without text, in an unknown format
    or quarantined gives a Reject. Raises MemoryError where there is too little memory.
    """
    try:
        return _parse(name, content, settings)
    except RejectedFileError as error:
        return Reject(name, str(error), error.code)
    except _DAMAGED_FILE_ERRORS as error:
        reason = f"it is damaged ({type(error).__name__}: {str(error)[:200]})"
        return Reject(name, reason, RejectCode.DAMAGED)


def check_size(size: int, limits: IngestionLimits) -> None:
    """Raises RejectedFileError for a file that is empty or too large; `size` is in bytes."""
    if size == 0:
        raise RejectedFileError(RejectCode.EMPTY, "it is empty")
    if size > limits.max_document_bytes:
        reason = f"its size of {size} bytes is above the limit of {limits.max_document_bytes}"
        raise RejectedFileError(RejectCode.TOO_LARGE, reason)


def _parse(name: str, content: bytes, settings: IngestionSettings) -> Document:
    limits = settings.limits
    check_size(len(content), limits)
    kind = file_format(name, content)
    parsed = _parse_as(kind, content, limits)
    _check_text(kind, parsed, limits)
    path = PurePosixPath(name)
    title = clean_text(parsed.title)[:MAX_TITLE_CHARACTERS] or _title_from_name(path)
    document = Document(
        path=name,
        title=title,
        source_type=_source_type(parsed.source_type, path),
        format=kind.value,
        sections=tuple(_without_title(section, title) for section in parsed.sections),
    )
    return screen(document, parsed.hidden, settings.screening)


def _parse_as(kind: FileFormat, content: bytes, limits: IngestionLimits) -> ParsedFile:
    # The PDF and DOCX parsers take most of a second to import, and many folders hold neither.
    match kind:
        case FileFormat.PDF:
            from ingestion.pdf_parser import parse_pdf  # noqa: PLC0415

            return parse_pdf(content, limits)
        case FileFormat.DOCX:
            from ingestion.docx_parser import parse_docx  # noqa: PLC0415

            return parse_docx(content, limits)
        case FileFormat.HTML:
            return parse_html_file(content, limits.max_nesting)
        case FileFormat.MARKDOWN:
            return parse_markdown_file(content, limits.max_nesting)
        case FileFormat.CSV:
            return _parse_csv(content)
        case FileFormat.TEXT:
            return _parse_text(content)


def _check_text(kind: FileFormat, parsed: ParsedFile, limits: IngestionLimits) -> None:
    blocks = [block for section in parsed.sections for block in section.blocks]
    if not blocks:
        hint = "; a scanned PDF needs text recognition first" if kind is FileFormat.PDF else ""
        raise RejectedFileError(RejectCode.NO_TEXT, f"it holds no text{hint}")
    num_characters = sum(len(block_text(block)) for block in blocks)
    if num_characters > limits.max_characters:
        reason = f"its text of {num_characters} characters is above {limits.max_characters}"
        raise RejectedFileError(RejectCode.TOO_LARGE, reason)


def _parse_text(content: bytes) -> ParsedFile:
    builder = SectionBuilder()
    for paragraph in re.split(r"\n\s*\n", decode_text(content)):
        builder.add_paragraph(paragraph)
    return ParsedFile(sections=builder.build(), hidden=builder.hidden)


def _parse_csv(content: bytes) -> ParsedFile:
    text = decode_text(content)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:8_192], delimiters=",;\t|")
    except csv.Error:  # one column, or too few rows to tell
        dialect = csv.excel
    builder = SectionBuilder()
    builder.add_table(list(csv.reader(io.StringIO(text, newline=""), dialect)))
    return ParsedFile(sections=builder.build(), hidden=builder.hidden)


def _source_type(named: str, path: PurePosixPath) -> str:
    folder = path.parts[0] if len(path.parts) > 1 else DEFAULT_SOURCE_TYPE
    candidate = re.sub(r"[^a-z0-9_-]+", "_", (named or folder).lower()).strip("_-")[:63]
    return candidate if re.match(SOURCE_TYPE_PATTERN, candidate) else DEFAULT_SOURCE_TYPE


def _title_from_name(path: PurePosixPath) -> str:
    words = clean_text(re.sub(r"[_-]+", " ", path.stem)) or path.name
    return (words[:1].upper() + words[1:])[:MAX_TITLE_CHARACTERS]


def _without_title(section: Section, title: str) -> Section:
    """The section without the document's title at the head of its path: it would be said twice."""
    if section.heading_path[:1] and title.startswith(section.heading_path[0]):
        return Section(section.heading_path[1:], section.blocks)
    return section
