"""A process of its own that accepts until it is killed, and prints each number once acknowledged.

Arguments: the journal, then optionally a folder for shadows (see ``tests.support.power``) and the
value of ``synchronous``.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.entries import entry
from tests.support import power


async def accept_until_killed(path: Path, synchronous: int) -> None:
    journal = SqliteJournal(path, settings={**SETTINGS, "synchronous": synchronous})
    await journal.open(now=0.0)
    first = (await journal.totals()).accepted + 1
    numbers = itertools.count(first)

    async def caller() -> None:
        for number in numbers:
            await journal.accept(entry(number, size=2000), sending=False)
            print(number, flush=True)  # noqa: T201 - the parent reads it

    await asyncio.gather(*(caller() for _ in range(16)))


def main(path: str, shadows: str = "", synchronous: str = "2") -> None:
    # Kept until the end: SQLite forgets a VFS that nobody holds.
    disk = power.install(Path(shadows)) if shadows else None
    asyncio.run(accept_until_killed(Path(path), int(synchronous)))
    del disk


if __name__ == "__main__":
    main(*sys.argv[1:])
