"""Feed a state of the upstream from an ideal server, turn by turn, without a clock."""

from collections.abc import Callable

from gateway.core.outcome import Outcome
from gateway.core.recovery.state import Move, Sample, State

DELIVERED, REFUSED = Outcome.DELIVERED, Outcome.REFUSED


def knee_at(workers: int, seconds: float = 0.2) -> Callable[[int], float]:
    """Response times of a server with so many workers: even up to there, then in proportion."""
    return lambda window: seconds * max(1.0, window / workers)


def feed(
    state: State, response: Callable[[int], float], *, now: float = 0.0, most: int = 100_000
) -> tuple[Move | None, float]:
    """Answer attempts at a full window until the state moves; its move, and when."""
    for _ in range(most):
        now += response(state.window) / state.window
        sample = Sample(DELIVERED, response(state.window))
        move = state.observe(sample, full=True, running=state.window - 1, now=now)
        if move is not None:
            return move, now
    return None, now


def climb(
    state: State, response: Callable[[int], float], *, now: float = 0.0
) -> tuple[list[int], Move]:
    """Carry out each move that stays in the state; the windows gone through, and the way out."""
    windows = [state.window]
    while True:
        move, now = feed(state, response, now=now)
        assert move is not None, f"{state!r} never moves"
        if move.to is not None:
            return windows, move
        state.moved(move.window, now=now)
        windows.append(move.window)
