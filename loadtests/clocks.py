"""How far the clocks of generating hosts are from the master's: asked before a test starts.

Due times are wall-clock times that the master sets; a worker whose clock is wrong would send early
or late, and its log could not be held against the others'.
"""

import time
from typing import Any, Protocol

import gevent

PATIENCE_SECONDS = 2.0
LOOK_SECONDS = 0.001
QUESTION = "clock"
ANSWER = "clock-answer"


class Runner(Protocol):
    """What is used of Locust's runners."""

    def register_message(self, msg_type: str, listener: Any) -> None:  # noqa: ANN401 (Locust's own)
        """Have `listener(environment, msg)` called for messages of this kind."""

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:  # noqa: ANN401
        """Send a message to the master, or to one worker."""


def offset(asked_at: float, theirs: float, answered_at: float) -> float:
    """Seconds that their clock is ahead of ours, wrong by at most half of the round trip.

    Source: Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989.
    """
    return theirs - (asked_at + answered_at) / 2


class Clocks:
    """The master's knowledge of its workers' clocks."""

    def __init__(self, runner: Runner) -> None:
        """Listen to what workers answer."""
        self._runner = runner
        self._offsets: dict[str, float] = {}
        runner.register_message(ANSWER, self._answered)

    def ask(self, workers: int) -> float | None:
        """The largest distance of a worker's clock from this one, in seconds.

        None if fewer than `workers` answered within `PATIENCE_SECONDS`.
        """
        self._offsets.clear()
        self._runner.send_message(QUESTION, {"asked_at": time.time()})
        until = time.monotonic() + PATIENCE_SECONDS
        while len(self._offsets) < workers and time.monotonic() < until:
            gevent.sleep(LOOK_SECONDS)
        if len(self._offsets) < workers:
            return None
        return max(map(abs, self._offsets.values()), default=0.0)

    def _answered(self, environment: object, msg: Any, **_: object) -> None:  # noqa: ANN401
        del environment
        self._offsets[msg.node_id] = offset(msg.data["asked_at"], msg.data["at"], time.time())


def answer(runner: Runner) -> None:
    """Have a worker tell its time when it is asked."""

    def tell(environment: object, msg: Any, **_: object) -> None:  # noqa: ANN401
        del environment
        runner.send_message(ANSWER, {**msg.data, "at": time.time()})

    runner.register_message(QUESTION, tell)
