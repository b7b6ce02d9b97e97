"""Draw a history from a seed. Pure: the same seed gives the same history, on any machine.

Most histories are short and small, so that thousands run in a minute; a few are long or large.
"""

import math
from collections.abc import Iterator
from random import Random

from gateway.core.decide import DeliveryPolicy
from gateway.core.retry import RetryPolicy
from loadtests.server.faults import Fault, parse
from loadtests.server.model import Mode, Model
from simulation.whole.scenario import (
    Act,
    Arrival,
    Blow,
    Crash,
    Disk,
    Net,
    NetFault,
    Scenario,
    Stop,
)

_LEAST_CLIFF = 8  # above the first window: a server that bears less falls over for ever


def draw(seed: int) -> Scenario:
    """The history of ``seed``."""
    rng = Random(f"history/{seed}")
    rough = rng.random() > 0.1  # every tenth: nothing goes wrong
    span = rng.uniform(1000.0, 2400.0) if rng.random() < 0.01 else rng.uniform(20.0, 180.0)
    model = _model(rng)
    honours_key = rng.random() < 0.5
    looks_up = not honours_key and rng.random() < 0.6
    max_window = 256 if honours_key else 3 * model.workers + 4
    timeout = rng.choice((5.0, 10.0, 30.0))
    faults = tuple(_faults(rng, span, honours_key=honours_key)) if rough else ()
    network = tuple(_network(rng, span, pauses=not looks_up)) if rough else ()
    jumps = _jumps(rng, span) if rough and rng.random() < 0.15 else ()
    arrivals = tuple(_arrivals(rng, span))
    return Scenario(
        seed=seed,
        model=model,
        policy=DeliveryPolicy(
            honours_key=honours_key,
            can_look_up=looks_up,
            settle_seconds=_settle(model, max_window, timeout),
            retry=_retry(rng, rough=rough and not jumps),
        ),
        timeout=timeout,
        max_window=max_window,
        arrivals=arrivals,
        latency=rng.choice((0.0, 0.002, 0.05)),
        disk=_disk(rng),
        faults=faults,
        network=network,
        odd=_odd(rng, len(arrivals)) if rough and rng.random() < 0.2 else {},
        ends=tuple(_ends(rng, span)) if rough else (),
        jumps=jumps,
        acts=tuple(_acts(rng, span)) if rough else (),
        calm_at=span,
    )


def _model(rng: Random) -> Model:
    workers = rng.choice((1, 2, 3, 5, 8, 12))
    cliff = max(_LEAST_CLIFF, round(workers * rng.uniform(1.4, 3.0)))
    return Model(
        workers=workers,
        service_seconds=rng.choice((0.02, 0.1, 0.2, 0.5, 1.0)),
        cv=rng.choice((0.0, 0.3, 0.3, 1.0)),
        collapse_at=rng.choice((None, cliff, cliff)),
        down_seconds=rng.uniform(5.0, 60.0),
        collapse_mode=rng.choice(tuple(Mode)),
        return_seconds=rng.choice((0.0, 0.0, 10.0)),
        cut_share=rng.choice((0.0, 0.5, 1.0)),
    )


def _settle(model: Model, max_window: int, timeout: float) -> float:
    """Longer than anything stays at the server: half of the workers, half of their pace."""
    rounds = 2 * max_window / max(1, model.workers / 2) + 1
    return math.ceil(timeout + 10.0 + 2 * rounds * model.service_seconds * (1 + 2 * model.cv))


def _retry(rng: Random, *, rough: bool) -> RetryPolicy:
    if rough and rng.random() < 0.1:
        return RetryPolicy(max_age=rng.uniform(20.0, 120.0))
    return RetryPolicy(cap=rng.choice((5.0, 20.0, 60.0)))


def _arrivals(rng: Random, span: float) -> Iterator[Arrival]:
    stations = [f"36.03.{n:02}-1" for n in range(1, rng.choice((2, 3, 6, 12)))]
    count = rng.randint(100, 250) if rng.random() < 0.02 else round(3 + rng.expovariate(1 / 11))
    bursts = [rng.uniform(0.0, span * 0.7) for _ in range(rng.choice((0, 1, 1, 2)))]
    ordered, hasty = rng.random() < 0.4, rng.random() < 0.5
    for number in range(1, count + 1):
        due = rng.uniform(0.0, span * 0.8)
        if bursts and rng.random() < 0.6:
            due = rng.choice(bursts) + rng.uniform(0.0, 1.0)
        patient = rng.random()
        yield Arrival(
            due=due,
            station=rng.choice(stations),
            number=number,
            priority=rng.randint(0, 7) if rng.random() < 0.1 else 3,
            ordering_key=rng.choice("ab") if ordered and rng.random() < 0.7 else None,
            hold=0.0 if patient < 0.3 else rng.choice((1.0, 10.0, 10.0)),
            leaves_after=rng.expovariate(1.0) if hasty and patient > 0.7 else None,
            twice=hasty and rng.random() < 0.15,
            asks_again=rng.random() < 0.7,
        )


def _faults(rng: Random, span: float, *, honours_key: bool) -> Iterator[Fault]:
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        begin = rng.uniform(0.0, span * 0.7)
        seconds = min(rng.choice((1.0, 5.0, 20.0, 60.0)) * rng.uniform(0.5, 1.5), span - begin)
        kinds: tuple[dict[str, object], ...] = (
            {"kind": rng.choice(("crash", "hang", "refuse", "503", "reset"))},
            {"kind": "slow", "factor": rng.uniform(2.0, 10.0) if honours_key else 2.0},
            {"kind": "capacity", "factor": rng.choice((0.5, 2.0))},
            {
                "kind": "errors",
                "status": rng.choice((429, 500, 502, 503, 504)),
                "probability": rng.choice((0.1, 0.5, 1.0)),
            },
            {
                "kind": rng.choice(("lose_answers", "half_answer")),
                "probability": rng.choice((0.1, 0.5, 1.0)),
            },
            {"kind": "retry_after", "seconds": rng.choice(("5", "30", "soon", "1000000000"))},
        )
        table = rng.choices(kinds, weights=(5, 3, 2, 3, 4, 1))[0]
        yield from parse([table | {"at_seconds": begin, "duration_seconds": seconds}])


def _network(rng: Random, span: float, *, pauses: bool) -> Iterator[NetFault]:
    kinds = [kind for kind in Net if pauses or kind is not Net.UNAUTHORIZED]
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        begin = rng.uniform(0.0, span * 0.7)
        end = min(begin + rng.expovariate(1 / 20.0), span)
        yield NetFault(rng.choice(kinds), begin, end, rng.choice((0.1, 0.5, 1.0)))


def _odd(rng: Random, count: int) -> dict[int, int]:
    numbers = rng.sample(range(1, count + 1), k=min(count, rng.choice((1, 1, 3))))
    return {number: rng.choice((400, 422, 500, 500)) for number in numbers}


_REACH = {Blow.STEP: 8.0, Blow.COMMIT: 5.5, Blow.APPLIED: 5.5, Blow.FACT: 6.0, Blow.SENT: 4.5}
"""Crashes come up to e to this power of such places after a start, the early ones as often."""


def _ends(rng: Random, span: float) -> Iterator[Crash | Stop]:
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        away = rng.choice((0.1, 2.0, 15.0)) * rng.uniform(0.5, 1.5)
        if rng.random() < 0.15:
            yield Stop(rng.uniform(0.0, span * 0.7), away)
        else:
            where = rng.choice(tuple(Blow))
            yield Crash(where, int(math.exp(rng.uniform(0.0, _REACH[where]))), away)


def _disk(rng: Random) -> Disk:
    return rng.choice(
        (
            Disk(),
            Disk(seconds=0.004),
            Disk(seconds=0.05),
            Disk(seconds=0.004, stall=rng.uniform(0.5, 8.0), stall_probability=0.02),
        )
    )


def _jumps(rng: Random, span: float) -> tuple[tuple[float, float], ...]:
    return ((rng.uniform(0.0, span * 0.8), rng.choice((-3600.0, 3600.0))),)


def _acts(rng: Random, span: float) -> Iterator[tuple[float, Act]]:
    if rng.random() < 0.1:
        begin = rng.uniform(0.0, span * 0.6)
        yield begin, Act.PAUSE
        yield begin + rng.uniform(1.0, span * 0.3), Act.RESUME
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        yield rng.uniform(0.0, span * 0.9), rng.choice((Act.REQUEUE, Act.REQUEUE, Act.CANCEL))
