"""Look for known people in bytes: in any dress of their numbers, and for what their bodies held.

Must not share code with the masking that it judges.

Theory: every dress is undressed rather than guessed. Percent-encoding is decoded until nothing is
left of it, separators are taken out, and then each run of digits is cut into all its windows of
16. A marker is looked for as it is, in hexadecimal, and in base64 at each of the three places
where it can begin.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from tests.privacy.citizens import CANARY, Citizen

_LENGTH: Final = 16
_DIGITS: Final = re.compile(rb"\d{%d,}" % _LENGTH)
_SEPARATORS: Final = re.compile(rb"[\s.\-_+:/\\,;|]|\\u20[0-9a-f]{2}|\xe2\x80[\x90-\x95]")
_MOST_DECODED: Final = 6


@dataclass
class Search:
    """What to look for. ``found`` names the place and the person's place in the list."""

    people: Iterable[Citizen]
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = {person.nik.encode(): place for place, person in enumerate(self.people)}
        canary = CANARY.encode()
        self._markers = [canary, canary.hex().encode(), *_in_base64(canary)]

    def look(self, where: str, content: bytes) -> None:
        """Look through one file or answer."""
        for form in {content, *_decoded(content)}:
            for text in (form, _SEPARATORS.sub(b"", form), form.replace(b"\0", b"")):
                self._numbers_in(where, text)
        lower = content.lower()
        for marker in self._markers:
            if marker in content or marker.lower() in lower:
                self.found.append(f"{where}: a body's marker")

    def _numbers_in(self, where: str, text: bytes) -> None:
        for run in _DIGITS.findall(text):
            for start in range(len(run) - _LENGTH + 1):
                place = self._numbers.get(run[start : start + _LENGTH])
                if place is not None:
                    self.found.append(f"{where}: the number of person {place}")


def _decoded(content: bytes) -> Iterable[bytes]:
    for _ in range(_MOST_DECODED):
        plain = unquote_to_bytes(content)
        if plain == content:
            return
        yield plain
        content = plain


def _in_base64(word: bytes) -> Iterable[bytes]:
    """Those characters of its base64 that are the same whatever stands beside it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word)
        whole = (before + len(word)) // 3 * 4
        yield encoded[-(-before * 8 // 6) : whole]
