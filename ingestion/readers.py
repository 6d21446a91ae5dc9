"""Reads one file of a knowledge base, whatever its format, into a Document."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import frontmatter

from followup.passage import SOURCE_TYPE_PATTERN
from ingestion.document import (
    MAX_TITLE_CHARACTERS,
    Document,
    ParsedFile,
    Section,
    SectionBuilder,
    clean_text,
)
from ingestion.docx_parser import parse_docx
from ingestion.errors import DAMAGED_FILE_ERRORS, UnreadableDocumentError
from ingestion.html_parser import parse_html, parse_markdown
from ingestion.pdf_parser import EncryptedPdfError, parse_pdf

READER_VERSION = 1
"""Part of every document's fingerprint: raise it when a reader gives another text for a file."""

MAX_DOCUMENT_BYTES = 50 * 1024 * 1024
DEFAULT_SOURCE_TYPE = "general"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read_document(path: Path, root: Path, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
    """Read one file under `root`.

    The source type is the one that the front matter names, else the first folder under `root`, else
    `general`. Errors: UnreadableDocumentError with the reason for a file that is empty, too large,
    encrypted, damaged, wrongly named, without text, in an unknown format or outside `root`.
    """
    name = document_name(path, root)
    try:
        content = _read_bytes(path, root, max_bytes)
        file_format, parse = _reader_of(path)
        parsed = parse(content)
    except (_RejectedFileError, EncryptedPdfError) as error:
        raise UnreadableDocumentError(name, str(error)) from error
    except DAMAGED_FILE_ERRORS as error:
        reason = f"it is damaged ({type(error).__name__}: {str(error)[:200]})"
        raise UnreadableDocumentError(name, reason) from error
    if not parsed.sections:
        hint = "; a scanned PDF needs text recognition first" if file_format == "pdf" else ""
        raise UnreadableDocumentError(name, f"it holds no text{hint}")
    title = clean_text(parsed.title)[:MAX_TITLE_CHARACTERS] or _title_from_name(path)
    return Document(
        path=name,
        title=title,
        source_type=_source_type(parsed.source_type, path.relative_to(root)),
        format=file_format,
        sections=tuple(_without_title(section, title) for section in parsed.sections),
    )


def document_name(path: Path, root: Path) -> str:
    """Path inside the root with forward slashes; bytes that are no UTF-8 are written as \\udcXX."""
    return path.relative_to(root).as_posix().encode(errors="backslashreplace").decode()


class _RejectedFileError(Exception):
    """A file that is refused before or while it is parsed; the message is the reason."""


def _read_bytes(path: Path, root: Path, max_bytes: int) -> bytes:
    if not path.resolve().is_relative_to(root.resolve()):
        reason = "it is a link to a file outside the folder"
        raise _RejectedFileError(reason)
    size = path.stat().st_size
    if size == 0:
        reason = "it is empty"
        raise _RejectedFileError(reason)
    if size > max_bytes:
        reason = f"its size of {size} bytes is above the limit of {max_bytes}"
        raise _RejectedFileError(reason)
    return path.read_bytes()


def _reader_of(path: Path) -> tuple[str, Callable[[bytes], ParsedFile]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        reason = f"its format '{path.suffix}' is not one of {known}"
        raise _RejectedFileError(reason)
    return reader


def _read_pdf(content: bytes) -> ParsedFile:
    if b"%PDF-" not in content[:1024]:
        reason = "it is named .pdf but is no PDF file"
        raise _RejectedFileError(reason)
    return parse_pdf(content)


def _read_docx(content: bytes) -> ParsedFile:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        reason = "it is encrypted or an old .doc file; save it as an open .docx file"
        raise _RejectedFileError(reason)
    if not content.startswith(b"PK"):
        reason = "it is named .docx but is no Word file"
        raise _RejectedFileError(reason)
    return parse_docx(content)


def _read_html(content: bytes) -> ParsedFile:
    _decode_text(content)  # refuses binary data, which the HTML parser would take
    return parse_html(content)


def _read_markdown(content: bytes) -> ParsedFile:
    post = frontmatter.loads(_decode_text(content))
    parsed = parse_markdown(post.content)
    title = post.metadata.get("title") or parsed.title
    source_type = post.metadata.get("source_type") or ""
    return replace(parsed, title=str(title), source_type=str(source_type))


def _read_text(content: bytes) -> ParsedFile:
    builder = SectionBuilder()
    for paragraph in re.split(r"\n\s*\n", _decode_text(content)):
        builder.add_paragraph(paragraph)
    return ParsedFile(sections=builder.build())


def _read_csv(content: bytes) -> ParsedFile:
    text = _decode_text(content)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:8_192], delimiters=",;\t|")
    except csv.Error:  # one column, or too few rows to tell
        dialect = csv.excel
    builder = SectionBuilder()
    try:
        builder.add_table(list(csv.reader(io.StringIO(text, newline=""), dialect)))
    except csv.Error as error:
        reason = f"it is no CSV file ({error})"
        raise _RejectedFileError(reason) from error
    return ParsedFile(sections=builder.build())


def _decode_text(content: bytes) -> str:
    """Text by the byte order mark, else as UTF-8, else as Windows-1252; line ends are newlines."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    if _CONTROL_CHARACTERS.search(text):
        reason = "it holds binary data where text is expected"
        raise _RejectedFileError(reason)
    return text.replace("\r\n", "\n").replace("\r", "\n")


_READERS: dict[str, tuple[str, Callable[[bytes], ParsedFile]]] = {
    ".csv": ("csv", _read_csv),
    ".docx": ("docx", _read_docx),
    ".htm": ("html", _read_html),
    ".html": ("html", _read_html),
    ".markdown": ("markdown", _read_markdown),
    ".md": ("markdown", _read_markdown),
    ".pdf": ("pdf", _read_pdf),
    ".txt": ("text", _read_text),
}


def _source_type(named: str, relative: Path) -> str:
    folder = relative.parts[0] if len(relative.parts) > 1 else DEFAULT_SOURCE_TYPE
    candidate = re.sub(r"[^a-z0-9_-]+", "_", (named or folder).lower()).strip("_-")[:63]
    return candidate if re.match(SOURCE_TYPE_PATTERN, candidate) else DEFAULT_SOURCE_TYPE


def _title_from_name(path: Path) -> str:
    words = clean_text(re.sub(r"[_-]+", " ", path.stem)) or path.name
    return (words[:1].upper() + words[1:])[:MAX_TITLE_CHARACTERS]


def _without_title(section: Section, title: str) -> Section:
    """The section without the document's title at the head of its path: it would be said twice."""
    if section.heading_path[:1] and title.startswith(section.heading_path[0]):
        return Section(section.heading_path[1:], section.blocks)
    return section
