"""A desk at work, with a courier that answers by a script."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time
from typing import TypedDict

import gevent
import pytest

from loadtests.arrivals import constant
from loadtests.desk import Desk, Load
from loadtests.enrollments import PacketSizes, Registry
from loadtests.logs import Dropped, LogWriter, Sent, SentEvent, Told, read_sent
from loadtests.scenario_parts import Burst
from loadtests.schedule import Enrollment, Schedule
from loadtests.stations import Answer, Decision, Done, careful

REGISTRY = Registry(1, PacketSizes(600_000, 1_200_000, 5_000_000, scale=0.001))


class _Alone(TypedDict):
    per_second: float
    seed: int


ALONE = _Alone(per_second=4, seed=18)
"""One citizen comes."""
ACCEPTED = Answer(202, location="/r/1", receipt="1", retry_after=0)


@dataclass
class Courier:
    """Gives the answers of its scripts in turn, and the last one for ever."""

    answers: list[Answer]
    receipts: list[Answer] = field(default_factory=list)
    takes: float = 0.0
    sent: list[tuple[Enrollment, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def send(self, enrollment: Enrollment, body: bytes) -> Answer:
        self.sent.append((enrollment, body))
        gevent.sleep(self.takes)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def ask(self, location: str) -> Answer:
        self.asked.append(location)
        return self.receipts.pop(0) if len(self.receipts) > 1 else self.receipts[0]

    def told(self, enrollment: Enrollment, decision: Decision) -> None:
        pass


@contextmanager
def _load(
    folder: Path,
    *,
    per_second: float = 50,
    seed: int = 1,
    most_in_flight: int = 1000,
    limit: float = 5,
    bursts: Sequence[Burst] = (),
) -> Iterator[Load]:
    with LogWriter(folder / "sent.jsonl") as log:
        yield Load(
            schedule=Schedule(
                profile=constant(per_second, 0.3),
                share=1.0,
                registry=REGISTRY,
                bursts=bursts,
                desks=2,
                asynchronous_share=0.0,
                seed=seed,
                tag="t",
            ),
            habit=lambda *seen: _at_once(careful(*seen)),
            origin=time(),
            limit_seconds=limit,
            most_in_flight=most_in_flight,
            log=log,
        )


def _at_once(decision: Decision) -> Decision:
    """No test waits for a backoff."""
    return decision if isinstance(decision, Done) else replace(decision, seconds=0.0)


def _events(folder: Path) -> list[SentEvent]:
    return list(read_sent(folder / "sent.jsonl"))


def test_no_arrival_waits_for_the_answer_of_another(tmp_path: Path) -> None:
    courier = Courier([Answer(201)], takes=0.5)
    with _load(tmp_path) as load:
        Desk("36.03.12-1", load, courier).work()
    sent = [isinstance(event, Sent) for event in _events(tmp_path)]
    assert sum(sent) > 5
    # By their order, not by the clock: a machine that stands still makes all of them late.
    assert sent.index(False) > sum(sent) / 2


def test_the_same_bytes_go_out_under_the_same_key_until_something_is_promised(
    tmp_path: Path,
) -> None:
    courier = Courier([Answer(503), Answer(0, error="ConnectionRefusedError"), Answer(201)])
    with _load(tmp_path, **ALONE) as load:
        Desk("36.03.12-1", load, courier).work()
    tries = [(enrollment.key, body) for enrollment, body in courier.sent]
    assert len(tries) == 3
    assert len(set(tries)) == 1
    told = [event.told for event in _events(tmp_path) if isinstance(event, Told)]
    assert told == ["refused", "failed", "delivered"]
    assert load.decided == load.came == 1


def test_a_receipt_is_followed_until_it_is_final_and_only_news_is_noted(tmp_path: Path) -> None:
    pending = Answer(200, receipt_status="pending")
    final = Answer(200, receipt_status="delivered", recorded_status=201)
    courier = Courier([ACCEPTED], receipts=[pending, pending, final])
    with _load(tmp_path, **ALONE) as load:
        Desk("36.03.12-1", load, courier).work()
    assert courier.asked == ["/r/1", "/r/1", "/r/1"]
    told = [event for event in _events(tmp_path) if isinstance(event, Told)]
    assert [(event.told, event.status) for event in told] == [
        ("accepted", 202),
        ("delivered", 201),
    ]


def test_a_lost_receipt_sends_the_same_enrollment_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.stations.BACKOFF_CAP_SECONDS", 0.0)
    courier = Courier([ACCEPTED, Answer(201)], receipts=[Answer(404)])
    with _load(tmp_path, **ALONE) as load:
        Desk("36.03.12-1", load, courier).work()
    (first, body), (again, same) = courier.sent
    assert (again.key, same) == (first.key, body)
    assert again.attempt == 2


def test_what_is_not_final_when_stations_go_home_is_undecided(tmp_path: Path) -> None:
    courier = Courier([Answer(201)], takes=30)
    with _load(tmp_path, per_second=10, limit=0.1) as load:
        Desk("36.03.12-1", load, courier).work()
    assert load.came > 0
    assert load.decided == 0
    assert time() < load.ends_at + 1


def test_an_arrival_that_finds_the_pool_full_is_noted_as_dropped(tmp_path: Path) -> None:
    courier = Courier([Answer(201)], takes=0.6)
    with _load(tmp_path, most_in_flight=3) as load:
        Desk("36.03.12-1", load, courier).work()
    dropped = [event for event in _events(tmp_path) if isinstance(event, Dropped)]
    assert load.came == 3
    assert len(dropped) > 3
    assert {event.reason for event in dropped} == {"pool full"}


def test_the_same_seed_sends_the_same_enrollments_at_the_same_times(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with _load(folder) as load:
            Desk("36.03.12-1", load, Courier([Answer(201)])).work()
        seen.append(
            {
                (event.key, event.sha256, round(event.due - load.origin, 5))
                for event in _events(folder)
                if isinstance(event, Sent)
            }
        )
    assert seen[0] == seen[1]


def test_what_a_kecamatan_kept_back_is_shared_by_its_desks_and_due_at_once(tmp_path: Path) -> None:
    burst = Burst("12", 25, 0.1)
    due: dict[str, list[float]] = {}
    for name in ("36.03.12-1", "36.03.12-2", "36.03.13-1"):
        (folder := tmp_path / name).mkdir()
        with _load(folder, per_second=1e-6, bursts=[burst]) as load:
            Desk(name, load, Courier([Answer(201)])).work()
            due[name] = [
                event.due - load.origin for event in _events(folder) if isinstance(event, Sent)
            ]
    assert [len(times) for times in due.values()] == [13, 12, 0]
    assert {round(at, 6) for times in due.values() for at in times} == {0.1}
