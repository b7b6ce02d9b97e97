"""The gateway's own log against the server's ledger."""

import json

from loadtests.evidence import Case, Evidence
from loadtests.pages.turns import turns_part
from loadtests.turns import Bounds, Turn, read_turns, within_window


def line(second: int, event: str, **fields: object) -> str:
    return json.dumps({"timestamp": f"2026-11-24T08:00:{second:02}.000Z", "event": event, **fields})


LOG = [
    "not JSON",
    line(1, "listening", address="127.0.0.1:1"),
    line(2, "window_changed", before=2, after=4, reason="room"),
    line(
        3, "upstream_state_changed", from_state="slow_start", to_state="open", reason="<b>gone</b>"
    ),
    line(3, "cliff_learned", at=4),
    line(4, "window_changed", before=4, after=1, reason="gone"),
]
AT = 1795507200.0  # 08:00:00 of that day


def served(*times: tuple[float, float]) -> list[Case]:
    return [
        Case(f"k{n}", "s", None, "0", 1, AT, AT, received_at=AT + came, recorded_at=AT + went)
        for n, (came, went) in enumerate(times)
    ]


def test_only_changes_are_read_and_each_has_its_reason() -> None:
    assert read_turns(LOG) == (
        Turn(AT + 2, "window", "2", "4", "room"),
        Turn(AT + 3, "state", "slow_start", "open", "<b>gone</b>"),
        Turn(AT + 3, "cliff", "", "4", "the server fell over with so many outstanding"),
        Turn(AT + 4, "window", "4", "1", "gone"),
    )


def bounds(*times: tuple[float, float]) -> Bounds | None:
    return within_window(read_turns(LOG), served(*times))


def test_requests_within_the_window_of_their_moment_are_within() -> None:
    at_two = [(1.0, 1.5), (1.2, 1.9), (1.5, 2.5)]
    assert bounds(*at_two) == Bounds(3, 0, 0)
    at_four = [(2.5, 3.5), (2.6, 3.5), (2.7, 3.5), (2.8, 3.5)]
    assert bounds(*at_four) == Bounds(4, 0, 0)


def test_one_too_many_is_seen_before_and_after_a_change() -> None:
    assert bounds((1.0, 1.5), (1.1, 1.5), (1.2, 1.5)) == Bounds(3, 1, 1)
    # What began before the window shrank may go on; what begins after it may not.
    assert bounds((3.9, 6.0), (5.0, 6.0)) == Bounds(2, 1, 1)
    # On its way when the window shrank.
    assert bounds((3.9, 6.0), (4.1, 6.0)) == Bounds(2, 0, -2)


def test_a_log_without_a_window_says_nothing() -> None:
    assert within_window(read_turns(LOG[:2]), served((1.0, 2.0))) is None
    assert turns_part((), Evidence()) == ""


def test_the_report_shows_changes_with_reasons_and_escapes_them() -> None:
    part = turns_part(read_turns(LOG), Evidence())
    assert "1 changes of state, 3 of the window" in part
    assert "&lt;b&gt;gone&lt;/b&gt;" in part
    assert "None of 0 requests" in part
