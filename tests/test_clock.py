"""The one clock: what people read runs on, whatever is done to the wall clock."""

import pytest

from gateway.clock import SystemClock


class Machine:
    """The machine's two clocks, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = 1_800_000_000.0, 50.0
        monkeypatch.setattr("time.time", lambda: self.wall)
        monkeypatch.setattr("time.monotonic", lambda: self.steady)

    def run(self, seconds: float) -> None:
        """Time passes on both."""
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_it_tells_the_wall_clock_while_nobody_sets_it(machine: Machine) -> None:
    clock = SystemClock()
    machine.run(1234.5)
    assert clock.now() == pytest.approx(1_800_001_234.5)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_makes_nothing_due_at_once_and_time_never_runs_backwards(
    machine: Machine, jump: float
) -> None:
    clock = SystemClock()
    machine.wall += jump
    last = clock.now()
    assert last == pytest.approx(1_800_000_000.0)
    for second in range(1, 601):
        machine.run(1.0)
        now = clock.now()
        assert 0.9 - 1e-6 <= now - last <= 1.1 + 1e-6, second
        last = now


def test_a_jump_is_made_up_for_in_the_end(machine: Machine) -> None:
    clock = SystemClock()
    machine.wall += 60.0
    for _ in range(700):
        machine.run(1.0)
        clock.now()
    assert clock.now() == pytest.approx(machine.wall)
