"""The journal alone, in a process of its own: fills it, puts and settles, claims; tells as JSON.

The one place here that imports the gateway: what it measures has no door.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from pathlib import Path

import uvloop

from gateway.core.ids import uuid7
from gateway.core.lifecycle import Status
from gateway.journal.aligned import aligned
from gateway.journal.contract import Change, Entry, Sealed
from gateway.journal.sqlite import SqliteJournal

AT_ONCE = 32
_ENVELOPE = 400
_KEY = 69


class Store:
    """A journal with made-up enrollments. Nothing in them opens; nothing here asks for that."""

    def __init__(self, path: Path) -> None:
        self.journal = SqliteJournal(path, max_bytes=1 << 40, min_free_bytes=0)
        self._rng = random.Random(time.time_ns())

    def entry(self, size: int, body: Sealed | None = None) -> Entry:
        """A new one. ``body``: made already, of that size."""
        now, draw = time.time(), self._rng.randbytes
        return Entry(
            id=uuid7(now=now, rng=self._rng),
            station="desk",
            identity=draw(32),
            fingerprint=draw(32),
            ordering=None,
            priority=3,
            rank=now,
            accepted_at=now,
            size=size,
            envelope=Sealed(draw(_KEY), draw(_ENVELOPE)),
            body=body or Sealed(draw(_KEY), _as_it_comes(draw(1024) * (size // 1024))),
        )

    async def fill(self, count: int) -> None:
        """Keep so many small ones that are due."""
        left = iter(range(count))

        async def keep() -> None:
            for _ in left:
                await self.journal.accept(self.entry(1024), sending=False)

        await asyncio.gather(*(keep() for _ in range(256)))

    async def put_and_settle(self, size: int, seconds: float) -> float:
        """Bytes of bodies kept per second; each is delivered before the next, so space recurs."""
        settled = Change(Status.DELIVERED, "http-201", None, Sealed(bytes(_KEY), bytes(100)))
        end, kept = time.monotonic() + seconds, 0

        async def keep() -> None:
            nonlocal kept
            body, before = self.entry(size).body, None
            while time.monotonic() < end:
                one = self.entry(size, body)
                accepting = self.journal.accept(one, sending=True)
                # A station's next comes when the one before is answered: before its record is.
                if before is None:
                    await accepting
                else:
                    settling = self.journal.change(before, settled, now=time.time())
                    await asyncio.gather(accepting, settling)
                before = one.id
                kept += size

        began = time.monotonic()
        await asyncio.gather(*(keep() for _ in range(AT_ONCE)))
        return kept / (time.monotonic() - began)

    async def claim_seconds(self, times: int) -> float:
        """The median time to read a page of what is due and to begin its first."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            page = await self.journal.due(now=time.time(), limit=64)
            if page.items:
                await self.journal.begin(page.items[0].id, now=time.time())
            took.append(time.perf_counter() - began)
        return statistics.median(took)


def _as_it_comes(data: bytes) -> memoryview:
    """As ``journal.body_seal`` hands it on."""
    room = aligned(len(data))
    room[:] = data
    return room


async def _run(given: argparse.Namespace) -> dict[str, float]:
    store = Store(given.path)
    await store.journal.open(now=time.time())
    try:
        if given.fill:
            await store.fill(given.fill)
        if given.claims:
            return {"claim": await store.claim_seconds(given.claims)}
        if given.seconds:
            await store.put_and_settle(given.size, 1.0)
            return {"bytes_per_second": await store.put_and_settle(given.size, given.seconds)}
        return {}
    finally:
        await store.journal.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--fill", type=int, default=0)
    parser.add_argument("--claims", type=int, default=0)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    print(json.dumps(uvloop.run(_run(parser.parse_args()))))
