"""Clocks of several generating hosts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import clocks
from loadtests.logs import Run
from tests.loadtests.honest import honest, only


@dataclass
class Message:
    """As Locust hands it to a listener."""

    data: dict[str, float]
    node_id: str


@dataclass
class Network:
    """Carries messages between a master and its workers, whose clocks are ahead by `skews`."""

    skews: dict[str, float]
    listeners: dict[str, Callable[..., None]] = field(default_factory=dict)

    def register_message(self, msg_type: str, listener: Callable[..., None]) -> None:
        self.listeners[msg_type] = listener

    def send_message(
        self, msg_type: str, data: object = None, client_id: str | None = None
    ) -> None:
        del client_id
        assert msg_type == clocks.QUESTION
        for name, skew in self.skews.items():
            answered = Message({**cast("dict[str, float]", data), "at": time.time() + skew}, name)
            gevent.spawn_later(0.005, self.listeners[clocks.ANSWER], environment=None, msg=answered)


def test_the_worst_clock_of_all_workers_counts_whichever_way_it_is_wrong() -> None:
    master = clocks.Clocks(Network({"a": 0.01, "b": -0.4}))
    assert master.ask(2) == pytest.approx(0.4, abs=0.05)


def test_a_worker_that_does_not_tell_its_time_is_not_taken_for_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "PATIENCE_SECONDS", 0.05)
    assert clocks.Clocks(Network({"a": 0.0})).ask(2) is None


def test_a_worker_answers_with_its_own_time_and_what_it_was_asked() -> None:
    sent: list[tuple[str, dict[str, float]]] = []

    class Worker(Network):
        def send_message(
            self, msg_type: str, data: object = None, client_id: str | None = None
        ) -> None:
            del client_id
            sent.append((msg_type, cast("dict[str, float]", data)))

    worker = Worker({})
    clocks.answer(worker)
    worker.listeners[clocks.QUESTION](environment=None, msg=Message({"asked_at": 5.0}, ""))
    ((kind, data),) = sent
    assert kind == clocks.ANSWER
    assert data["asked_at"] == 5.0
    assert data["at"] == pytest.approx(time.time(), abs=1)


@given(
    skew=st.floats(-1e4, 1e4), there=st.floats(0, 1), back=st.floats(0, 1), at=st.floats(1e9, 2e9)
)
def test_the_offset_is_wrong_by_at_most_half_the_round_trip(
    skew: float, there: float, back: float, at: float
) -> None:
    found = clocks.offset(at, at + there + skew, at + there + back)
    assert abs(found - skew) <= (there + back) / 2 + 1e-5


@pytest.mark.parametrize(
    ("offset", "told"),
    [(0.2, "clocks of generating hosts differ by 200 ms"), (None, "did not tell its time")],
)
def test_a_run_with_clocks_that_cannot_be_trusted_proves_nothing(
    offset: float | None, told: str
) -> None:
    logs = honest()
    run = only(logs.sent, Run)
    logs.sent[logs.sent.index(run)] = replace(run, clock_offset=offset)
    verdict = logs.judge()
    assert verdict.exit_code == 2
    assert told in verdict.sentence
