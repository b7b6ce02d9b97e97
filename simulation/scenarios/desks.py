"""The desks of a scenario on virtual time: walk the schedule, send, follow what was promised.

What they decide is `loadtests.stations`, what they send `loadtests.schedule`, as in a real run; the
carrying is `loadtests.desk`, told once more without gevent. Must not know what is inside a gateway.
"""

import asyncio
import heapq
import json
from collections.abc import Callable, Coroutine
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from gateway.core.problems import DESCRIPTIONS
from gateway.intake.replies import Refused, Reply
from loadtests.schedule import PRIORITY, Enrollment, Schedule, sent, told
from loadtests.stations import (
    PRESS_SECONDS,
    Answer,
    Decision,
    Done,
    Follow,
    Habit,
    SendAgain,
    follow,
    impatient,
    station_names,
)
from simulation.whole.calls import Gone
from simulation.whole.door import Brought, Line
from simulation.whole.house import House

if TYPE_CHECKING:
    from loadtests.logs import SentEvent

FOLLOWERS: Final = 2
RECEIPT_WAIT: Final = 10
PATIENCE: Final = 45.0  # seconds; as `loadtests.locustfile` has them
_REST: Final = 0.2

T = TypeVar("T")
Tasks: TypeAlias = "dict[asyncio.Task[None], None]"
"""In the order started: runs repeat."""


class Desks:
    """All desks, in front of whichever run of the gateway is up."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        habit: Habit,
        hold: float,
        ends_at: float,
        house: Callable[[], House | None],
    ) -> None:
        """Set them up. ``hold``: seconds that a gateway keeps a live enrollment waiting at most."""
        self.schedule = schedule
        self.habit = habit
        self.hold = hold
        self.patience = PRESS_SECONDS if habit is impatient else PATIENCE
        self.ends_at = ends_at
        self.house = house
        self.log: list[SentEvent] = []
        self.came = self.decided = 0
        self.order = count()

    async def work(self) -> None:
        """Until all have gone home."""
        names = station_names(self.schedule.desks)
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(_Desk(name, self).work())

    async def reach(self, work: Callable[[House, Line], Coroutine[object, object, T]]) -> T | str:
        """Ask the gateway something; a word for what went wrong if there is no answer."""
        house, line = self.house(), Line()
        if house is None:
            return "ConnectionRefusedError"
        try:
            async with asyncio.timeout(self.patience):
                return await work(house, line)
        except Gone:
            return "ConnectionResetError"
        except TimeoutError:
            line.hang_up()
            return "TimeoutError"


class _Desk:
    def __init__(self, name: str, desks: Desks) -> None:
        self._name = name
        self._desks = desks
        self._loop = asyncio.get_running_loop()
        self._rng = Random(f"{desks.schedule.seed}/{name}/pauses")
        self._tries: Tasks = {}
        self._followers: Tasks = {}
        self._group = asyncio.TaskGroup()  # whatever fails here ends the whole play
        self._held: list[tuple[float, int, Enrollment, str]] = []
        self._undecided = 0

    async def work(self) -> None:
        async with self._group:
            await self._work()

    async def _work(self) -> None:
        schedule, loop = self._desks.schedule, self._loop
        for number, due in enumerate(schedule.due_times(self._name)):
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._desks.came += 1
            self._undecided += 1
            self._spawn(self._tries, self._send(*schedule.enrollment(self._name, number, due)))
        # What it looks at has no event: a desk looks up now and then, as a real one does.
        while self._undecided and loop.time() < self._desks.ends_at:  # noqa: ASYNC110
            await asyncio.sleep(_REST)
        for task in (*self._tries, *self._followers):
            task.cancel()

    def _spawn(self, tasks: Tasks, work: Coroutine[object, object, None]) -> None:
        task = self._group.create_task(work)
        tasks[task] = None
        task.add_done_callback(tasks.pop)

    async def _send(self, enrollment: Enrollment, body: bytes) -> None:
        desks = self._desks
        while True:
            enrollment.attempt += 1
            at = self._loop.time()
            desks.log.append(sent(enrollment, at))
            brought = Brought(
                enrollment.station,
                enrollment.key,
                enrollment.ordering_key,
                PRIORITY,
                0.0 if enrollment.asynchronous else desks.hold,
            )
            got = await desks.reach(lambda house, line: house.door.enroll(brought, body, line))  # noqa: B023 - awaited here
            answer = _understood(got)
            waited = self._loop.time() - at
            decision = desks.habit(answer, enrollment.attempt, waited, self._rng)
            self._note(enrollment, answer, decision)
            match decision:
                case SendAgain():
                    await asyncio.sleep(decision.seconds)
                case Follow():
                    self._hold(enrollment, decision)
                    return
                case Done():
                    return

    def _hold(self, enrollment: Enrollment, decision: Follow) -> None:
        entry = (self._loop.time() + decision.seconds, next(self._desks.order))
        heapq.heappush(self._held, (*entry, enrollment, decision.location))
        if len(self._followers) < FOLLOWERS:
            self._spawn(self._followers, self._follow_all())

    async def _follow_all(self) -> None:
        """Ask about the receipts held, the longest due first, one after the other."""
        while self._held:
            now = self._loop.time()
            if self._held[0][0] > now:
                await asyncio.sleep(min(self._held[0][0] - now, _REST))
                continue
            _, _, enrollment, location = heapq.heappop(self._held)
            answer = await self._ask(location)
            decision = follow(answer, location, enrollment.attempt, self._rng)
            match decision:
                case Follow():
                    self._hold(enrollment, decision)
                case SendAgain():
                    self._note(enrollment, answer, decision)
                    self._spawn(self._tries, self._send_again(enrollment, decision.seconds))
                case Done():
                    self._note(enrollment, answer, decision)

    async def _ask(self, location: str) -> Answer:
        name = self._name
        return _understood(
            await self._desks.reach(
                lambda house, line: house.door.receipt(location, name, line, wait=RECEIPT_WAIT)
            )
        )

    async def _send_again(self, enrollment: Enrollment, after: float) -> None:
        await asyncio.sleep(after)
        await self._send(enrollment, self._desks.schedule.packet(enrollment))

    def _note(self, enrollment: Enrollment, answer: Answer, decision: Decision) -> None:
        self._desks.log.append(told(enrollment, answer, decision, self._loop.time()))
        if isinstance(decision, Done):
            self._desks.decided += 1
            self._undecided -= 1


def _understood(got: Reply | Refused | str) -> Answer:
    """What an answer means to a desk: see `loadtests.wire.read_answer`."""
    if isinstance(got, str):
        return Answer(0, error=got)
    if isinstance(got, Refused):
        status, after = DESCRIPTIONS[got.problem].status, got.retry_after
        return Answer(status, retry_after=None if after is None else float(after))
    headers, body = dict(line.split(": ", 1) for line in got.lines.splitlines()), got.body
    location, receipt = headers.get("Location"), headers.get("Gateway-Receipt")
    known = json.loads(body) if got.status == 200 and isinstance(body, bytes) else {}
    known = known if isinstance(known, dict) else {}
    again = headers.get("Retry-After")
    return Answer(
        status=got.status,
        retry_after=None if again is None else float(again),
        receipt=known.get("id", receipt or (location and location.rpartition("/")[2])),
        location=location,
        replayed=headers.get("Idempotency-Replayed") == "true",
        receipt_status=known.get("status"),
        recorded_status=(known.get("response") or {}).get("status"),
    )
