"""Files that are replaced while the gateway runs: read again, and taken if they are good.

Must not know what they are for. Connections that stand keep the certificate they began with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import structlog

LOOK_SECONDS: Final = 1.0

T = TypeVar("T")
Stamps = tuple[tuple[int, int, int] | None, ...]
_log = structlog.get_logger("gateway.renewal")


class Renewal(Generic[T]):
    """One thing in use, and the files that it is made of: a TLS context, or a token."""

    def __init__(
        self,
        setting: str,
        files: Iterable[Path | None],
        *,
        make: Callable[[], T],
        use: Callable[[T], Awaitable[None]],
        what: str = "certificate",
    ) -> None:
        """Take note of the files as they are now: they are in use.

        Args:
            setting: names the files to the reader of the log.
            files: those that are named; None: not set.
            make: a thing of what they hold; raises OSError or ValueError.
            use: from now on it is this one.
            what: names it in the log: ``WHAT_taken``, ``WHAT_not_taken``.
        """
        self._setting = setting
        self._files = [file for file in files if file is not None]
        self._make = make
        self._use = use
        self._what = what
        self._seen = self._taken = self._stamps()

    async def look(self, *, anyway: bool = False) -> None:
        """Take what has changed, once it stays the same between two looks.

        A certificate and its key are two files, so in between they do not fit. What cannot be
        used is told once, and what was in use stays.

        Args:
            anyway: someone asked for it: take the files as they are, changed or not.
        """
        stamps = self._stamps()
        settled, self._seen = stamps == self._seen, stamps
        if not anyway and (stamps == self._taken or not settled):
            return
        self._taken = stamps
        try:
            await self._use(self._make())
        except (OSError, ValueError) as fault:
            reason = getattr(fault, "strerror", None) or type(fault).__name__
            _log.error(
                f"{self._what}_not_taken",
                where=self._setting,
                reason=f"{reason}; the old one stays",
            )
        else:
            _log.info(f"{self._what}_taken", where=self._setting)

    def _stamps(self) -> Stamps:
        return tuple(map(_stamp, self._files))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def keep_renewed(renewals: Iterable[Renewal[Any]], asked: asyncio.Event) -> None:
    """Look at all of them now and then, and at once when ``asked`` is set. Never returns."""
    while True:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await asked.wait()
        except TimeoutError:
            pass
        anyway = asked.is_set()
        asked.clear()
        for renewal in renewals:
            await renewal.look(anyway=anyway)
