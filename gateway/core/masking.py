"""Mask what may be a citizen's number (NIK, 16 digits) in text that people will read.

Must not know where the text comes from or goes to.

Theory: a number leaks in many dresses: plain, grouped by spaces, dots or dashes, as ``%33``
for ``3``, with ``%20`` between groups, encoded twice. So a *digit* is a digit or its
percent-encoding, a *separator* is one of a few characters or its percent-encoding, and 16 or more
digits with at most eight separators between neighbours are masked, whatever they are. The one
exception is the gateway's own receipt id: a UUIDv7 may happen to hold 16 digits in a row. Its first
digit is 0 for the next five centuries, and that of a citizen's number never is.
"""

import re
from typing import Final

MASK: Final = "[16 digits]"

_DIGIT = r"(?:\d|%(?:25)*3\d)"
_PERCENT = r"%(?:25)*"
_SEPARATOR = (
    r"(?:[\s.+_\-\u00ad\u200b-\u200d\u2010-\u2015\u2212]"
    rf"|{_PERCENT}(?:20|09|0[aAdD]|2[bBdDeE]|5[fF]|[cC]2{_PERCENT}[aA]0"
    rf"|[eE]2{_PERCENT}80{_PERCENT}9[0-5]))"
)
_NUMBER = rf"{_DIGIT}(?:{_SEPARATOR}{{0,8}}{_DIGIT}){{15,}}"
_RECEIPT = r"0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_PATTERN: Final = re.compile(rf"(?<![\w\-])(?P<receipt>{_RECEIPT})(?![\w\-])|{_NUMBER}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def mask(text: str) -> str:
    """``text`` with every run of 16 or more digits replaced; receipt ids stay."""
    return _PATTERN.sub(_keep_receipt, text)


def one_line(text: str) -> str:
    """``text`` with line ends and other control characters written as escapes."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def clean(text: str) -> str:
    """Text without control characters and without numbers of 16 digits.

    A SHA-256 stays whole: it may hold 16 digits in a row by chance, and is nobody's number.
    """
    return text if _SHA256.fullmatch(text) else one_line(mask(text))


def _keep_receipt(found: re.Match[str]) -> str:
    return found.group("receipt") or MASK
