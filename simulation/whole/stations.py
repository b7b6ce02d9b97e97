"""What desks do: send, wait or leave, send again until they have a promise, come back for more.

Writes the stations' log for the judge. Must not know what is inside a gateway.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from random import Random

from gateway.core.lifecycle import Status
from gateway.intake.replies import Refused, Reply
from loadtests.logs import Answer, Sent, SentEvent, Told
from simulation.whole.calls import Gone
from simulation.whole.door import Line
from simulation.whole.history import History
from simulation.whole.house import House
from simulation.whole.scenario import Arrival

_TELLS: dict[str, Answer] = {
    Status.DELIVERED: "delivered",
    Status.REJECTED: "rejected",
    Status.DEAD_LETTER: "dead_letter",
}


class Stations:
    """All desks, in front of whichever run of the gateway is up."""

    def __init__(
        self,
        *,
        house: Callable[[], House | None],
        rng: Random,
        history: History,
    ) -> None:
        self._house = house
        self._rng = rng
        self._history = history
        self._loop = asyncio.get_running_loop()
        self.log: list[SentEvent] = []
        self.accepted: set[str] = set()
        self.told: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_come = 0
        self._sending = 0

    @property
    def unpromised(self) -> int:
        """How many will come, or have come and were not promised anything yet."""
        return self._to_come + self._sending

    @property
    def busy(self) -> int:
        """How many enrollments some desk still has work with."""
        return self._to_come + len(self._tasks)

    def expect(self, arrival: Arrival) -> None:
        """It will come when it is due."""
        self._to_come += 1
        self._loop.call_at(arrival.due, self._begin, arrival)

    def _begin(self, arrival: Arrival) -> None:
        self._to_come -= 1
        self._spawn(self._bring(arrival, first=True))
        if arrival.twice:
            self._spawn(self._bring(arrival, first=False))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring(self, arrival: Arrival, *, first: bool) -> None:
        """Until it is promised or answered, and by some desks until it is answered."""
        self._sending += 1
        attempt, told = 1, await self._send(arrival, 1)
        while told in {"failed", "refused"}:
            await asyncio.sleep(self._rng.uniform(0.5, 5.0))
            attempt += 1
            told = await self._send(arrival, attempt)
        self._sending -= 1
        pause = 2.0
        while first and arrival.asks_again and told not in {"delivered", "rejected"}:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 30.0)
            if await self._ask_again(arrival, attempt):
                return

    async def _send(self, arrival: Arrival, attempt: int) -> Answer:
        body = f"packet of {arrival.key}".encode()
        self.log.append(
            Sent(
                key=arrival.key,
                station=arrival.station,
                ordering_key=arrival.ordering_key,
                priority=arrival.priority,
                sha256=hashlib.sha256(body).hexdigest(),
                bytes=len(body),
                due=arrival.due,
                at=self._loop.time(),
                attempt=attempt,
            )
        )
        self._history.note("station", f"sends {arrival.key}, try {attempt}")
        line, house = Line(), self._house()
        if house is None:
            return self._hears(arrival, attempt, 0, "failed")
        if arrival.leaves_after is not None and attempt == 1:
            leaves = self._loop.call_later(arrival.leaves_after, line.hang_up)
        else:
            leaves = None
        try:
            got = await house.door.enroll(arrival, body, line)
        except Gone:
            return self._hears(arrival, attempt, 0, "failed")
        finally:
            if leaves is not None:
                leaves.cancel()
        if leaves is not None and self._loop.time() >= leaves.when():
            # It went away before the answer, and will send again.
            return self._hears(arrival, attempt, 0, "failed")
        if isinstance(got, Refused):
            return self._hears(arrival, attempt, 503, "refused")
        return self._hears(arrival, attempt, got.status, _understand(got))

    async def _ask_again(self, arrival: Arrival, attempt: int) -> bool:
        """Whether there is a final answer now."""
        house = self._house()
        if house is None:
            return False
        try:
            standing = await house.door.look(arrival)
        except Gone:
            return False
        if standing is None:
            return False
        if standing.status is Status.CANCELLED:
            return True
        told = _TELLS.get(standing.status)
        if told is None:
            return False
        if self.told.get(arrival.key) != told:
            self._hears(arrival, attempt, 200, told)
        return told != "dead_letter"

    def _hears(self, arrival: Arrival, attempt: int, status: int, told: Answer) -> Answer:
        self._history.note("station", f"hears of {arrival.key}: {status} {told}")
        self.log.append(Told(arrival.key, self._loop.time(), attempt, status, told))
        if told in {"accepted", "delivered", "rejected", "dead_letter"}:
            self.accepted.add(arrival.key)
            self.told[arrival.key] = told
        return told


def _understand(reply: Reply) -> Answer:
    if reply.status != 202:
        return "delivered" if reply.status < 300 else "rejected"
    document = json.loads(_bytes(reply.body))
    return _TELLS.get(document["status"], "accepted")


def _bytes(body: object) -> bytes:
    """The body of an answer, which is in memory here."""
    if not isinstance(body, bytes):
        raise TypeError("a reply of the gateway has its body in memory")
    return body
