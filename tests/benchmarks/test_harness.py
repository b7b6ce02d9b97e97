"""What the page on the load harness says, and where its figures come from."""

from pathlib import Path

import pytest

from benchmarks.harness.latency import Latency
from benchmarks.harness.limit import Limit
from benchmarks.harness.page import page
from benchmarks.harness.stations import truth
from loadtests.logs import LogWriter, Recorded, Server

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
    latency = Latency(measured, TIMES, {**TIMES, "p95": 3.97}, TIMES, 1500, 1380)
    limits = [Limit("2 KB", 2, 1247, {1247: 0.0086, 1500: 0.0301}, 9000.0)]
    text = page(latency, limits, "a machine")
    assert "| p95 | 909.0 ms | 900.0 ms | 1.010 |" in text
    assert "| open loop (this harness) | 1,500 | 0.40 s | 3.97 s | 1.20 s |" in text
    assert "| closed loop | 1,380 | 0.40 s | 0.90 s | 1.20 s |" in text
    assert "| 2 KB | 2 | 1,247/s | 9,000/s | 1,247: 8.6 ms, 1,500: 30.1 ms |" in text
