"""What happened, in order: for people to read, and for two runs to be compared.

Must not know what is right or wrong.
"""

import asyncio
import hashlib
from collections.abc import Iterator

_WIDTH = 12  # of the times printed


class History:
    """A list of moments. Cheap to write, since most are never read."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._moments: list[tuple[float, str, object]] = []

    def note(self, who: str, what: object) -> None:
        """Something happened now. ``what``: a text, or anything whose ``repr`` tells it."""
        self._moments.append((self._loop.time(), who, what))

    def now(self) -> float:
        """Seconds since the beginning."""
        return self._loop.time()

    def __len__(self) -> int:
        """How many moments."""
        return len(self._moments)

    def lines(self) -> Iterator[str]:
        """One line for each moment: seconds, who, what."""
        for at, who, what in self._moments:
            text = what if isinstance(what, str) else repr(what)
            yield f"{at:{_WIDTH}.6f}  {who:<9} {text}"

    def digest(self) -> str:
        """Equal for two runs in which the same happened at the same times."""
        text = hashlib.sha256()
        for line in self.lines():
            text.update(line.encode())
        return text.hexdigest()
