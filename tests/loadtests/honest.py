"""An honest run in two short logs, to be forged one line at a time."""

import hashlib
import random
from dataclasses import dataclass, field, replace
from typing import TypeVar

from loadtests.evidence import gather
from loadtests.logs import (
    End,
    Event,
    LedgerEvent,
    Recorded,
    Run,
    Sample,
    Sent,
    SentEvent,
    Server,
    State,
    Told,
)
from loadtests.verdict import Verdict, decide

T0 = 1_800_000_000.0
E = TypeVar("E", bound=Event)


@dataclass
class Logs:
    """Both logs of one run, still open to change."""

    sent: list[SentEvent] = field(default_factory=list)
    ledger: list[LedgerEvent] = field(default_factory=list)

    def judge(self) -> Verdict:
        """The verdict on them."""
        return decide(gather(self.sent, self.ledger))

    def scenario(self, **tables: object) -> "Logs":
        """The same run under a scenario with these tables."""
        run = only(self.sent, Run)
        changed = replace(run, scenario={**run.scenario, **tables})
        return Logs([changed, *(e for e in self.sent if e is not run)], self.ledger)


def only(events: list[SentEvent] | list[LedgerEvent], kind: type[E], key: str | None = None) -> E:
    """The first event of this kind, of this enrollment if a key is given."""
    return next(
        event
        for event in events
        if isinstance(event, kind) and (key is None or getattr(event, "key", None) == key)
    )


def digest(key: str) -> str:
    """The sha256 of this enrollment's packet."""
    return hashlib.sha256(key.encode()).hexdigest()


def honest(count: int = 40, *, seed: int = 1, outage: bool = True) -> Logs:
    """One arrival a second and a server of 2 workers and 4 a second, down from second 10 to 20.

    While it is down stations are promised (202) and hear later; every fifth answer is lost once,
    and asked for again. Every third enrollment has its station's ordering key.
    """
    rng = random.Random(seed)
    logs = Logs(
        [Run({"name": "honest", "targets": {}}, seed, 1.0, "gateway", T0, T0)],
        [Server(T0, 2, 0.5, 0.3, 10, 10.0, honours_key=True, seed=seed)],
    )
    down, back = (T0 + 10, T0 + 20) if outage else (T0 + count + 1, T0 + count + 1)
    if outage:
        logs.ledger += [State(down, "down", "scripted"), State(back, "up", "scripted")]
    free = T0
    for number in range(count):
        due = T0 + number + rng.random() / 10
        key, station = f"k{number:03}", f"36.03.{1 + number % 3:02}-1"
        told: list[SentEvent] = []
        free = max(free + 0.25, due + 0.1)
        if down - 0.5 < free < back:
            free = back + 0.1
        logs.ledger.append(
            Recorded(
                number + 1,
                free,
                max(due + 0.01, free - 0.25),
                key,
                key,
                digest(key),
                1000 + number,
                ordering := station if number % 3 == 0 else None,
                1,
                answered=number % 5 != 0,
                outstanding=1 + number % 2,
            )
        )
        sent = Sent(key, station, ordering, 3, digest(key), 1000 + number, due, due + 0.002, 1)
        if free > due + 0.3:
            told.append(Told(key, due + 0.05, 1, 202, "accepted", f"r{number}"))
            told.append(Told(key, free + 0.4, 1, 201, "delivered", f"r{number}"))
        elif number % 5 == 0:
            told.append(Told(key, due + 0.2, 1, 0, "failed", error="ConnectionReset"))
            told.append(replace(sent, at=due + 1.2, attempt=2))
            told.append(Told(key, due + 1.3, 2, 201, "delivered", f"r{number}", replayed=True))
        else:
            told.append(Told(key, free + 0.01, 1, 201, "delivered", f"r{number}"))
        logs.sent += [sent, *told]
    end = free + 5
    logs.sent.append(End(end, 0, 30.0))
    logs.ledger += _samples(logs.ledger, int(T0), int(end) + 1)
    return logs


def _samples(ledger: list[LedgerEvent], start: int, end: int) -> list[LedgerEvent]:
    times = [event.at for event in ledger if isinstance(event, Recorded)]
    totals = [sum(at <= second for at in times) for second in range(start, end)]
    return [
        Sample(float(second), total, total, 0, 0, 2, 4.0)
        for second, total in zip(range(start, end), totals, strict=True)
    ]
