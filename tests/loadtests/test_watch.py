"""What a gateway's metrics say of it, and how a run is shown."""

import io
from dataclasses import replace

from rich.console import Console

from loadtests.logs import GatewaySample
from loadtests.progress import Snapshot, board, line, table
from loadtests.watch import gateway_sample

METRICS = """\
# TYPE enrollment_gateway_upstream_state gauge
enrollment_gateway_upstream_state{state="open"} 0.0
enrollment_gateway_upstream_state{state="slow_start"} 1.0
# TYPE enrollment_gateway_window gauge
enrollment_gateway_window 12.0
# TYPE enrollment_gateway_outstanding gauge
enrollment_gateway_outstanding 7.0
# TYPE enrollment_gateway_enrollments gauge
enrollment_gateway_enrollments{status="pending"} 30.0
enrollment_gateway_enrollments{status="sending"} 7.0
enrollment_gateway_enrollments{status="in_doubt"} 2.0
enrollment_gateway_enrollments{status="delivered"} 900.0
"""


def _snapshot(elapsed: float) -> Snapshot:
    return Snapshot(
        via="direct",
        elapsed=elapsed,
        until=80,
        arrivals=1234,
        tries=5678,
        safe=400,
        recorded=390,
        doubled=6,
        waiting=844,
        dropped=0,
        server="down",
        outstanding=3,
        gateway="-",
        window="-",
        kept="-",
    )


def test_state_window_and_what_is_undelivered_are_read_from_the_metrics() -> None:
    expected = GatewaySample(at=5.0, state="slow_start", window=12.0, outstanding=7, pending=39)
    assert gateway_sample(METRICS, 5.0) == expected


def test_a_gateway_without_these_metrics_is_unknown() -> None:
    assert gateway_sample("", 5.0).state == "unknown"


def test_a_line_tells_time_and_counts() -> None:
    told = line(_snapshot(65))
    for part in ("direct", "1:05 of at most 1:20", "1,234", "recorded again 6", "server down"):
        assert part in told


def test_runs_are_shown_side_by_side() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(table("Title", [_snapshot(1), _snapshot(2)]))
    assert out.getvalue().count("via direct") == 2
    assert out.getvalue().count("844") == 2


def test_on_a_terminal_runs_stand_in_their_order_and_are_written_over() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True)
    with board(console, "Title", ["gateway", "direct"]) as shown:
        shown.show(_snapshot(1))
        shown.show(replace(_snapshot(1), via="gateway"))
    last = out.getvalue().rpartition("Title")[2]
    assert last.index("via gateway") < last.index("via direct")
    assert "\x1b[1A" in out.getvalue()


def test_where_nobody_watches_a_line_comes_every_few_seconds_not_every_second() -> None:
    out = io.StringIO()
    with board(Console(file=out, width=400), "Title", ["direct"]) as shown:
        for second in range(11):
            shown.show(_snapshot(second))
    assert len(out.getvalue().splitlines()) == 3
