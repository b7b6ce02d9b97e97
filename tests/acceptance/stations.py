"""Stations in this process: each sends an enrollment, keeps it until it has a promise, and logs.

A 202 is a promise, and these stations trust it: they never send that enrollment again, so that a
broken promise shows as a loss. Until then they send the same key again, whatever goes wrong.
"""

import asyncio
import hashlib
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from loadtests.logs import Answer, End, LogWriter, Run, Sent, Told

TIMEOUT = aiohttp.ClientTimeout(total=30)
FINAL: dict[object, Answer] = {
    "delivered": "delivered",
    "rejected": "rejected",
    "dead_letter": "dead_letter",
}


@dataclass
class Surge:
    """``count`` enrollments at ``rate`` per second to ``url``, logged in ``folder``.

    Attributes:
        url: the gateway's public listener.
        others: those of further gateways; a station that gets no promise turns to the next one.
        folder: where ``sent.jsonl`` goes.
        count: how many enrollments.
        rate: how many arrive per second, on average (Poisson).
        seed: draws the same again.
        twice: impatient officers: each sends a second time at once, with the same key.
        async_share: how many prefer a receipt to an answer (``Prefer: respond-async``).
        desks: so many ordering keys; every third enrollment has one. 0: none.
        most_bytes: the size of the largest bodies.
        look_seconds: how long a station waits before it looks at its receipt again.
        promised: keys that a station holds a 202 for.
        sent: how many were sent so far, each counted once.
        undecided: keys without a final answer.
    """

    url: str
    folder: Path
    count: int
    rate: float
    seed: int = 1
    twice: bool = False
    async_share: float = 0.0
    desks: int = 0
    look_seconds: float = 0.5
    most_bytes: int = 5000
    others: tuple[str, ...] = ()
    sent: int = 0
    promised: set[str] = field(default_factory=set)
    undecided: set[str] = field(default_factory=set)
    timeout: aiohttp.ClientTimeout = TIMEOUT

    async def run(self) -> None:
        """Send them all, and follow each until it is final or its receipt is unknown."""
        rng = random.Random(self.seed)
        began = time.time()
        # Nothing is measured here that a late generator could make look better than it is.
        limits = {"sent_late_p99_seconds": 10.0}
        scenario = {"name": "acceptance", "targets": {}, "limits": limits}
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        with LogWriter(self.folder / "sent.jsonl") as self._log:
            self._log.write(Run(scenario, self.seed, 1.0, "gateway", began, began))
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self.timeout) as session,
                asyncio.TaskGroup() as group,
            ):
                for number in range(self.count):
                    await asyncio.sleep(rng.expovariate(self.rate))
                    visit = self._visit(session, number, rng)
                    for _ in range(2 if self.twice else 1):
                        group.create_task(visit.enroll())
            self._log.write(End(time.time(), len(self.undecided), 0.0))

    def _visit(self, session: aiohttp.ClientSession, number: int, rng: random.Random) -> "_Visit":
        """A citizen is there, now."""
        body = rng.randbytes(rng.randint(500, self.most_bytes))
        now = time.time()
        sent = Sent(
            key=f"surge-{self.seed}-{number}",
            station=f"36.03.{1 + number % 29:02}-1",
            ordering_key=f"desk-{number % self.desks}" if self.desks and number % 3 == 0 else None,
            priority=3,
            sha256=hashlib.sha256(body).hexdigest(),
            bytes=len(body),
            due=now,
            at=now,
            attempt=1,
        )
        doors = (self.url, *self.others)
        doors = doors[self.sent % len(doors) :] + doors[: self.sent % len(doors)]
        self.sent += 1
        self.undecided.add(sent.key)
        headers = {"Idempotency-Key": sent.key, "X-Enrollment": sent.key}
        if sent.ordering_key:
            headers["Ordering-Key"] = sent.ordering_key
        if rng.random() < self.async_share:
            headers["Prefer"] = "respond-async"
        return _Visit(self, self._log, session, doors, sent, body, headers)


@dataclass
class _Visit:
    """One enrollment and what its station does for it."""

    surge: Surge
    log: LogWriter
    session: aiohttp.ClientSession
    doors: tuple[str, ...]
    sent: Sent
    body: bytes
    headers: dict[str, str]

    async def enroll(self) -> None:
        attempt = 0
        receipt = None
        while receipt is None and self.sent.key in self.surge.undecided:
            attempt += 1
            self.log.write(replace(self.sent, at=time.time(), attempt=attempt))
            try:
                receipt = await self._send(attempt)
            except (aiohttp.ClientError, TimeoutError) as error:
                self._told(attempt, 0, "failed", error=type(error).__name__)
            if receipt is None:
                await asyncio.sleep(0.2)
        if receipt is not None:
            await self._follow(receipt, attempt)

    async def _send(self, attempt: int) -> str | None:
        """One try; where its receipt is, if that is the answer."""
        async with self.session.post(
            f"{self._door(attempt)}/enrollments", data=self.body, headers=self.headers
        ) as answer:
            await answer.read()
        receipt = answer.headers.get("Gateway-Receipt")
        if answer.status == 202:
            self._told(attempt, 202, "accepted", receipt)
            self.surge.promised.add(self.sent.key)
            return answer.headers["Location"]
        if answer.status in {429, 503}:
            self._told(attempt, answer.status, "refused")
        else:
            told: Answer = "delivered" if answer.status < 300 else "rejected"
            self._told(attempt, answer.status, told, receipt)
            self.surge.undecided.discard(self.sent.key)
        return None

    def _door(self, attempt: int) -> str:
        return self.doors[(attempt - 1) % len(self.doors)]

    async def _follow(self, receipt: str, attempt: int) -> None:
        """Look at the receipt until it is final; one that is gone promises nothing any more."""
        status, told, looks = 0, None, attempt
        while told is None and status != 404:
            await asyncio.sleep(self.surge.look_seconds)
            looks += 1
            try:
                async with self.session.get(f"{self._door(looks)}{receipt}") as answer:
                    status, document = answer.status, await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                continue
            told = FINAL.get(document.get("status"))
        self._told(attempt, status, told or "failed")
        if told is not None:
            self.surge.undecided.discard(self.sent.key)

    def _told(
        self,
        attempt: int,
        status: int,
        told: Answer,
        receipt: str | None = None,
        *,
        error: str | None = None,
    ) -> None:
        self.log.write(
            Told(self.sent.key, time.time(), attempt, status, told, receipt, error=error)
        )
