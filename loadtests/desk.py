"""One station at work: walks its schedule, sends each enrollment when due, keeps it until final.

A gevent room. Knows no HTTP: a `Courier` carries. Knows no judgement: it only writes down.
"""

import heapq
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

import gevent
from gevent.pool import Group

from loadtests.logs import Dropped, LogWriter
from loadtests.schedule import Enrollment, Schedule, sent, told
from loadtests.stations import Answer, Done, Follow, Habit, SendAgain, follow

FOLLOWERS = 2
"""How many of a station's receipts are asked about at once, however many it holds."""

REST_SECONDS = 0.2
"""How often an idle follower, and a station that waits to go home, looks again."""


class Courier(Protocol):
    """Carries an enrollment and brings the answer; never raises for what the network does."""

    def send(self, enrollment: Enrollment, body: bytes) -> Answer:
        """One try."""
        ...

    def ask(self, location: str) -> Answer:
        """One question about a receipt."""
        ...

    def told(self, enrollment: Enrollment, decision: Done | SendAgain | Follow) -> None:
        """The desk knows more now: a place for live statistics."""
        ...


@dataclass(slots=True)
class Load:
    """What all stations of one generating process share.

    `origin` is the wall-clock second that due times count from; `most_in_flight` bounds the tries
    under way in this process.
    """

    schedule: Schedule
    habit: Habit
    origin: float
    limit_seconds: float
    most_in_flight: int
    log: LogWriter
    in_flight: int = 0
    came: int = 0
    decided: int = 0
    order: Iterator[int] = field(default_factory=count)

    @property
    def ends_at(self) -> float:
        """When stations go home, whatever they still hold."""
        return self.origin + self.schedule.profile.seconds + self.limit_seconds


class Desk:
    """A station. `work` returns when all its enrollments are final, or when it is time to go."""

    def __init__(self, name: str, load: Load, courier: Courier) -> None:
        """Open the desk called `name`, like "36.03.12-1"."""
        self._name = name
        self._load = load
        self._courier = courier
        self._rng = random.Random(f"{load.schedule.seed}/{name}/pauses")
        self._tries = Group()
        self._followers = Group()
        self._held: list[tuple[float, int, Enrollment, str]] = []
        self._undecided = 0

    def work(self) -> None:
        """Walk the schedule (open loop: no arrival waits for another's answer), then finish."""
        load = self._load
        try:
            for number, after in enumerate(load.schedule.due_times(self._name)):
                due = load.origin + after
                gevent.sleep(max(0.0, due - time.time()))
                self._arrival(number, due)
            while self._undecided and time.time() < load.ends_at:
                gevent.sleep(REST_SECONDS)
        finally:
            self._tries.kill()
            self._followers.kill()

    def _arrival(self, number: int, due: float) -> None:
        load = self._load
        if load.in_flight >= load.most_in_flight:
            load.log.write(Dropped(due, self._name, "pool full"))
            return
        load.came += 1
        self._undecided += 1
        self._tries.spawn(self._record, number, due)

    def _record(self, number: int, due: float) -> None:
        self._send(*self._load.schedule.enrollment(self._name, number, due))

    def _send(self, enrollment: Enrollment, body: bytes) -> None:
        """Try until there is an answer to live with."""
        load = self._load
        while True:
            enrollment.attempt += 1
            at = time.time()
            load.log.write(sent(enrollment, at))
            load.in_flight += 1
            try:
                answer = self._courier.send(enrollment, body)
            finally:
                load.in_flight -= 1
            del body
            decision = load.habit(answer, enrollment.attempt, time.time() - at, self._rng)
            self._note(enrollment, answer, decision)
            match decision:
                case SendAgain():
                    gevent.sleep(decision.seconds)
                    body = load.schedule.packet(enrollment)
                case Follow():
                    self._hold(enrollment, decision)
                    return
                case Done():
                    return

    def _hold(self, enrollment: Enrollment, decision: Follow) -> None:
        entry = (time.time() + decision.seconds, next(self._load.order))
        heapq.heappush(self._held, (*entry, enrollment, decision.location))
        if len(self._followers) < FOLLOWERS:
            self._followers.spawn(self._follow_all)

    def _follow_all(self) -> None:
        """Ask about the receipts held, the longest due first, one after the other."""
        while self._held:
            now = time.time()
            if self._held[0][0] > now:
                gevent.sleep(min(self._held[0][0] - now, REST_SECONDS))
                continue
            _, _, enrollment, location = heapq.heappop(self._held)
            answer = self._courier.ask(location)
            decision = follow(answer, location, enrollment.attempt, self._rng)
            match decision:
                case Follow():
                    self._hold(enrollment, decision)
                case SendAgain():
                    self._note(enrollment, answer, decision)
                    self._tries.spawn(self._send_again, enrollment, decision.seconds)
                case Done():
                    self._note(enrollment, answer, decision)

    def _send_again(self, enrollment: Enrollment, after: float) -> None:
        gevent.sleep(after)
        self._send(enrollment, self._load.schedule.packet(enrollment))

    def _note(
        self, enrollment: Enrollment, answer: Answer, decision: Done | SendAgain | Follow
    ) -> None:
        load = self._load
        load.log.write(told(enrollment, answer, decision, time.time()))
        self._courier.told(enrollment, decision)
        if isinstance(decision, Done):
            load.decided += 1
            self._undecided -= 1
