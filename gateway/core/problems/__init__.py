"""The gateway's own errors as problem details (RFC 9457), in English and Indonesian."""

from gateway.core.problems.document import CONTENT_TYPE, PAGES, document, encode, status_of
from gateway.core.problems.kinds import ProblemType
from gateway.core.problems.language import Language, choose_language
from gateway.core.problems.texts import DESCRIPTIONS, Description, Text

__all__ = [
    "CONTENT_TYPE",
    "DESCRIPTIONS",
    "PAGES",
    "Description",
    "Language",
    "ProblemType",
    "Text",
    "choose_language",
    "document",
    "encode",
    "status_of",
]
