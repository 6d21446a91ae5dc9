"""The error of a document that cannot be read, and what a damaged file makes a parser raise."""

import struct
import zipfile
import zlib

from docx.opc.exceptions import OpcError
from pypdf.errors import PyPdfError
from yaml import YAMLError

from followup.errors import FollowupError

# Parsers meet damaged files with whatever their code happens to trip over. This lists those types,
# so that one bad file becomes a reject while cancellation and out-of-memory still stop the run.
DAMAGED_FILE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OpcError,
    OSError,
    PyPdfError,
    RuntimeError,
    SyntaxError,  # what lxml's parse errors are
    TypeError,
    ValueError,
    YAMLError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class UnreadableDocumentError(FollowupError):
    """A document cannot be read; `reason` says why, without the document's name."""

    code = "unreadable_document"

    def __init__(self, document: str, reason: str) -> None:
        super().__init__(f"Document '{document}' cannot be read: {reason}.")
        self.document = document
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.document, self.reason))
