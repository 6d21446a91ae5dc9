"""What a file is, by its name and by its first bytes; both must agree."""

import re
import zipfile
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath

from ingestion.rejects import RejectCode, RejectedFileError


class FileFormat(StrEnum):
    """The formats that can be read."""

    CSV = "csv"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "markdown"
    PDF = "pdf"
    TEXT = "text"


_FORMATS = {
    ".csv": FileFormat.CSV,
    ".docx": FileFormat.DOCX,
    ".htm": FileFormat.HTML,
    ".html": FileFormat.HTML,
    ".markdown": FileFormat.MARKDOWN,
    ".md": FileFormat.MARKDOWN,
    ".pdf": FileFormat.PDF,
    ".txt": FileFormat.TEXT,
}
_PDF, _DOCX, _PAGE, _FRAGMENT = "a PDF file", "a Word file", "an HTML page", "text with tags"
_TEXTUAL = ("", _FRAGMENT)
_ACCEPTED = {
    FileFormat.CSV: _TEXTUAL,
    FileFormat.DOCX: (_DOCX,),
    FileFormat.HTML: (_PAGE, _FRAGMENT),
    FileFormat.MARKDOWN: _TEXTUAL,
    FileFormat.PDF: (_PDF,),
    FileFormat.TEXT: _TEXTUAL,
}
_MISSING = {
    FileFormat.DOCX: "is no Word file",
    FileFormat.HTML: "holds no HTML",
    FileFormat.PDF: "is no PDF file",
}
_SIGNATURES = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "an RTF file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
)
_OLE = b"\xd0\xcf\x11\xe0"
_PDF_WITHIN = 1024
_HTML_START = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
                         re.IGNORECASE | re.DOTALL)  # fmt: skip
_HTML_WITHIN = 4096
_HTML_TAG = re.compile(rb"<[a-zA-Z!/]")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_OFFICE_PARTS = {
    "word/document.xml": _DOCX,
    "xl/workbook.xml": "an Excel file",
    "ppt/presentation.xml": "a PowerPoint file",
    "mimetype": "an OpenDocument or EPUB file",
}


def file_format(name: str, content: bytes) -> FileFormat:
    """The format of a file, named by its ending and confirmed by its bytes.

    Raises RejectedFileError for an unknown ending, and for content of another kind than it says.
    """
    ending = PurePosixPath(name).suffix.lower()
    named = _FORMATS.get(ending)
    if named is None:
        known = ", ".join(sorted(_FORMATS))
        reason = f"its format '{ending}' is not one of {known}"
        raise RejectedFileError(RejectCode.UNKNOWN_FORMAT, reason)
    if content.startswith(_OLE):
        _refuse_old_office(ending, content)
    found = _signature(content)
    if found not in _ACCEPTED[named]:
        is_what = f"is {found}" if found else _MISSING[named]
        raise RejectedFileError(RejectCode.WRONG_NAME, f"it is named {ending} but {is_what}")
    return named


def _signature(content: bytes) -> str:
    """What the first bytes say that a file is; empty where they say nothing."""
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return _PDF
    if content.startswith(b"PK\x03\x04"):
        return _archive_kind(content)
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    start = content[:_HTML_WITHIN]
    for mark in _MARKS:
        start = start.removeprefix(mark)
    if _HTML_START.match(start.replace(b"\x00", b"")):
        return _PAGE
    return _FRAGMENT if _HTML_TAG.search(content.replace(b"\x00", b"")) else ""


def _archive_kind(content: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:  # cut off: the parser says what is wrong with it
        return _DOCX if b"word/" in content else "a damaged ZIP archive"
    kinds = [kind for part, kind in _OFFICE_PARTS.items() if part in names]
    if kinds:
        return kinds[0]
    return _DOCX if "[Content_Types].xml" in names else "a ZIP archive"


def _refuse_old_office(ending: str, content: bytes) -> None:
    """OLE containers: an encrypted DOCX has a stream of this name, an old Word file has not."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise RejectedFileError(RejectCode.ENCRYPTED, "it is encrypted and needs a password")
    reason = f"it is named {ending} but is an old Office file; save it as .docx"
    raise RejectedFileError(RejectCode.WRONG_NAME, reason)
