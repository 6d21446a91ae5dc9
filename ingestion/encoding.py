"""Bytes to text, whatever the encoding; refuses what is no text."""

import codecs
import re

from charset_normalizer import from_bytes

from ingestion.rejects import RejectCode, RejectedFileError

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DETECTION_BYTES = 64 * 1024
_MIN_NUL_SHARE = 0.3
_MIN_WIDE_BYTES = 8
_DEFAULT = "cp1252"
# Latin text differs in few bytes between these, too few to tell; Windows-1252 is by far the usual.
_LATIN = {
    "cp1250", "cp1252", "cp1254", "cp1257", "cp437", "cp850", "cp858", "hp_roman8", "latin_1",
    "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_10", "iso8859_13", "iso8859_14",
    "iso8859_15", "iso8859_16", "mac_latin2", "mac_roman", "mac_turkish", "mac_iceland",
}  # fmt: skip


def decode_text(content: bytes, declared: str = "") -> str:
    """Text by byte order mark, else as UTF-8, else as `declared`, else as detected.

    Line ends become newlines. Raises RejectedFileError for binary data.
    """
    text = _decode(content, declared)
    if _CONTROL_CHARACTERS.search(text):
        raise RejectedFileError(
            RejectCode.WRONG_NAME, "it holds binary data where text is expected"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(content: bytes, declared: str) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if wide := _wide_encoding(content):
        return content.decode(wide, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_known(declared) or _detect(content), errors="replace")


def _wide_encoding(content: bytes) -> str:
    """UTF-16 without a mark: of ASCII letters, every second byte is NUL."""
    if len(content) % 2 or len(content) < _MIN_WIDE_BYTES:
        return ""
    sample = content[:_DETECTION_BYTES]
    half = max(len(sample) // 2, 1)
    even, odd = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if odd >= _MIN_NUL_SHARE and even == 0:
        return "utf-16-le"
    if even >= _MIN_NUL_SHARE and odd == 0:
        return "utf-16-be"
    return ""


def _known(declared: str) -> str:
    try:
        return codecs.lookup(declared).name if declared else ""
    except LookupError:
        return ""


def _detect(content: bytes) -> str:
    best = from_bytes(content[:_DETECTION_BYTES]).best()
    return _DEFAULT if best is None or best.encoding in _LATIN else best.encoding
