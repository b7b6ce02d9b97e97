"""The gate: what it tells the limiter of an exchange."""

import itertools
import random

from gateway.core.admission import Changed
from gateway.core.facts import Fact, UpstreamState
from gateway.core.limiter import Limiter, LimiterSettings
from gateway.core.outcome import Finding, Outcome
from gateway.delivery.gate import CHANGES_KEPT, Gate
from tests.support.clock import ManualClock

RECORDED = Finding(Outcome.DELIVERED, "http-201")
BASE, BEYOND = LimiterSettings().initial_window, 1.35


def window_after(base_seconds: float, *, exchanges: int = 4000) -> int:
    """Of a gate whose exchanges take a third longer as soon as the window leaves its first size."""
    clock, facts, names = ManualClock(), list[Fact](), itertools.count()
    limiter = Limiter(settings=LimiterSettings(), rng=random.Random(1), now=clock.monotonic())
    gate = Gate(limiter, clock=clock, publish=facts.append, ghost_seconds=30.0)
    under_way: list[str] = []
    for _ in range(exchanges):
        gate.tick(demand=500)
        while gate.free():
            under_way.append(str(next(names)))
            gate.take(under_way[-1])
        seconds = base_seconds * (BEYOND if gate.window > BASE else 1.0)
        clock.advance(seconds / gate.window)
        gate.heard(under_way.pop(0), RECORDED, seconds)
    assert limiter.state in {UpstreamState.STEADY, UpstreamState.SLOW_START}
    return gate.window


def test_jitter_of_a_few_milliseconds_does_not_hold_the_window_down() -> None:
    assert window_after(0.002) > 200


def test_the_same_growth_of_longer_answers_is_a_queue() -> None:
    assert window_after(0.2) < 10


def test_it_shows_the_latest_changes_with_their_reasons_the_newest_first() -> None:
    clock, facts = ManualClock(), list[Fact]()
    limiter = Limiter(settings=LimiterSettings(), rng=random.Random(1), now=clock.monotonic())
    gate = Gate(limiter, clock=clock, publish=facts.append, ghost_seconds=30.0)
    gate.pause("maintenance")
    paused_at = clock.now()
    clock.advance(60.0)
    gate.resume()
    changes = gate.view().changes
    states = [change for change in changes if change.what == "state"]
    assert states == [
        Changed(clock.now(), "state", "paused", "open", "resumed"),
        Changed(paused_at, "state", "slow_start", "paused", "maintenance"),
    ]
    for _ in range(20):
        gate.pause("again")
        gate.resume()
    assert len(gate.view().changes) == CHANGES_KEPT
