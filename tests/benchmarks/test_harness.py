"""What the page on the load harness says, and where its figures come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.harness.latency import Latency
from benchmarks.harness.limit import Limit, Tried
from benchmarks.harness.page import WORKERS, of_latency, of_limits, of_workers, page, read
from benchmarks.harness.stations import truth
from benchmarks.harness.workers import Workers
from loadtests.logs import LogWriter, Recorded, Server
from loadtests.verdict import Verdict
from tests.loadtests.honest import honest

TIMES = {"p50": 0.4, "p95": 0.9, "p99": 1.2}


def test_the_truth_is_what_the_server_took_and_not_when_it_was_due(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "ledger.jsonl") as ledger:
        ledger.write(Server(0.0, 1, 1.0, 0.0, None, 1.0, honours_key=True, seed=1))
        for number in range(1, 101):
            ledger.write(
                Recorded(
                    *(number, 10.0 + number / 100, 10.0, None, str(number), "00", 1, None, 1),
                    answered=True,
                    outstanding=1,
                )
            )
    assert truth(tmp_path / "ledger.jsonl") == pytest.approx(
        {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    )


def test_the_page_shows_both_loops_the_ratio_to_the_truth_and_each_rate_tried() -> None:
    measured = {name: value * 1.01 for name, value in TIMES.items()}
    latency = Latency(25, 60, 5, measured, TIMES, {**TIMES, "p95": 3.97}, TIMES, 1500, 1380)
    tried = {1247: Tried(0.0086, 0, 71.0), 1500: Tried(0.0301, 12, 98.0)}
    found = {**of_latency(latency), **of_limits([Limit("2 KB", 2, tried, 9000.0)])}
    text = page(found, "a machine")
    assert "| p95 | 909.0 ms | 900.0 ms | 1.010 |" in text
    assert "| open loop (this harness) | 1,500 | 0.40 s | 3.97 s | 1.20 s |" in text
    assert "| closed loop | 1,380 | 0.40 s | 0.90 s | 1.20 s |" in text
    assert (
        "| 2 KB | 2 | 1,247/s | 9,000/s | 1,247: 8.6 ms, 71 %, 1,500: 30.1 ms, 98 %, 12 dropped |"
    ) in text


def test_a_rate_at_which_arrivals_were_dropped_is_not_kept() -> None:
    tried = {200: Tried(0.001, 0, 20.0), 400: Tried(0.001, 1, 20.0)}
    assert Limit("2 KB", 1, tried, 9000.0).kept == 200


def test_what_is_measured_again_takes_its_place_and_the_rest_of_the_page_stays() -> None:
    latency = Latency(25, 60, 5, TIMES, TIMES, TIMES, TIMES, 1500, 1380)
    first = page({**of_latency(latency), **of_limits([])}, "a machine")
    latency = replace(latency, open_sent=1501)
    again = page({**read(first), **of_latency(latency)}, "a machine")
    assert again == first.replace("1,500 |", "1,501 |") != first


def judged(seconds: float) -> Verdict:
    """The verdict on a run in which half of the stations waited so long."""
    verdict = honest().judge()
    return replace(verdict, measures={**verdict.measures, "answer_p50": seconds})


@pytest.mark.parametrize(
    ("two", "within"),
    [((1.1, 1.3), "yes"), ((1.21, 1.21), "yes"), ((1.3, 1.4), "**no**")],
    ids=["overlapping", "alike", "apart"],
)
def test_two_processes_agree_with_one_where_what_they_saw_overlaps(
    two: tuple[float, float], within: str
) -> None:
    found = Workers([judged(1.19), judged(1.2)], [judged(seconds) for seconds in two])
    (row,) = (
        line for line in of_workers(found)[WORKERS].splitlines() if line.startswith("| answer p50 ")
    )
    assert row.endswith(f"| {within} |")
