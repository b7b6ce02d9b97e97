"""Counts of a run under way."""

from pathlib import Path

from loadtests.logs import LogWriter, Recorded, Run, Sent, Told
from loadtests.tally import Tail, Tally


def _sent(key: str, attempt: int) -> Sent:
    return Sent(key, "36.03.12-1", None, 3, "00", 10, 5.0, 5.0, attempt)


def _recorded(number: int, enrollment: str) -> Recorded:
    return Recorded(
        number, 6.0, 5.5, None, enrollment, "00", 10, None, 1, answered=True, outstanding=1
    )


def test_a_tail_gives_each_whole_line_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = Tail(path)
    assert tail.lines() == []
    path.write_bytes(b"one\ntw")
    assert tail.lines() == [b"one"]
    path.write_bytes(b"one\ntwo\nthree\n")
    assert tail.lines() == [b"two", b"three"]
    assert tail.lines() == []


def test_citizens_promises_and_effects_are_counted_apart(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "sent") as sent, LogWriter(tmp_path / "ledger") as ledger:
        sent.write(Run({}, 1, 1.0, "direct", 1.0, 4.0))
        for event in (_sent("a", 1), _sent("b", 1), _sent("b", 2), _sent("c", 1)):
            sent.write(event)
        sent.write(Told("a", 5.0, 1, 202, "accepted"))
        sent.write(Told("a", 6.0, 1, 201, "delivered"))
        sent.write(Told("b", 6.0, 1, 503, "refused"))
        for number, enrollment in enumerate(["a", "b", "b"], start=1):
            ledger.write(_recorded(number, enrollment))
    tally = Tally()
    tally.take_sent(Tail(tmp_path / "sent").lines())
    tally.take_ledger(Tail(tmp_path / "ledger").lines())
    assert (tally.arrivals, tally.tries, tally.safe) == (3, 4, 1)
    assert (tally.recorded, tally.doubled, tally.waiting) == (2, 1, 1)
    assert tally.origin == 4.0
