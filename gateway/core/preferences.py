"""Read what a station asks for: ``Prefer``, ``Priority``, ``Content-Digest``.

Must not know whether it can be granted. What cannot be read counts as not said, as the RFCs ask.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.record import dataclass

_WAIT: Final = re.compile(r'"?([0-9]{1,9})"?')
_URGENCY: Final = re.compile(r"u *= *([0-7])(?: *;.*)?")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What ``Prefer`` says (RFC 7240).

    Attributes:
        respond_async: the station would rather have a receipt than wait.
        wait: seconds that it is willing to wait, or None.
    """

    respond_async: bool = False
    wait: int | None = None

    @property
    def at_once(self) -> bool:
        """Whether it does not want to wait at all.

        ``respond-async, wait=10`` means: a receipt, if no answer comes within ten seconds
        (RFC 7240, section 4.3).
        """
        return self.wait == 0 or (self.respond_async and self.wait is None)


NO_PREFERENCES: Final = Preferences()


def parse_prefer(lines: Iterable[str]) -> Preferences:
    """The preferences of all ``Prefer`` lines together; of one given twice the first counts."""
    respond_async = False
    wait: int | None = None
    for member in _members(lines):
        name, _, value = member.partition(";")[0].partition("=")
        name = name.strip().lower()
        if name == "respond-async":
            respond_async = True
        elif name == "wait" and wait is None:
            seconds = _WAIT.fullmatch(value.strip())
            wait = int(seconds[1]) if seconds else None
    return Preferences(respond_async=respond_async, wait=wait)


def parse_priority(lines: Iterable[str]) -> int | None:
    """The urgency ``u`` of ``Priority`` (RFC 9218, section 4.1), 0 to 7; None if not said.

    Of one given twice the last counts, as in every structured dictionary (RFC 9651).
    """
    urgency: int | None = None
    for member in _members(lines):
        if member.partition(";")[0].partition("=")[0].strip() == "u":
            match = _URGENCY.fullmatch(member)
            urgency = int(match[1]) if match else None
    return urgency


def digest_matches(lines: Iterable[str], sha256: bytes) -> bool:
    """Whether ``Content-Digest`` (RFC 9530) agrees with the digest of the body as received.

    Only ``sha-256`` is looked at; a value under that name that cannot be read does not agree.
    """
    for member in _members(lines):
        name, _, value = member.partition("=")
        if name.strip() == "sha-256" and not hmac.compare_digest(_bytes(value), sha256):
            return False
    return True


def _bytes(value: str) -> bytes:
    """A byte sequence between colons (RFC 9651, section 3.3.5); empty if it is none."""
    text = value.partition(";")[0].strip()
    if len(text) < 2 or text[0] != ":" or text[-1] != ":":
        return b""
    try:
        return base64.b64decode(text[1:-1], validate=True)
    except (binascii.Error, ValueError):
        return b""


def _members(lines: Iterable[str]) -> Iterator[str]:
    """The members of a comma-separated field, spread over any number of lines."""
    for line in lines:
        yield from (member.strip() for member in _split(line))


def _split(line: str) -> list[str]:
    """Split at commas outside of quoted strings, in one pass whatever the text."""
    if '"' not in line:
        return line.split(",")
    members, start, quoted, escaped = [], 0, False, False
    for index, character in enumerate(line):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            members.append(line[start:index])
            start = index + 1
    members.append(line[start:])
    return members
