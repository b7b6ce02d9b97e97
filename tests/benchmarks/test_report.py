"""Results: written, read again, and shown with their goals."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from benchmarks.load import Measured
from benchmarks.report import merged, page, read, text
from benchmarks.results import Figure, Row, rates
from benchmarks.statistics import spread

OURS = [Measured(rate, 1 / rate, 0.01, 0.02, 100) for rate in (1000.0, 1200.0)]
BARE = [Measured(rate, 0.5 / rate, 0.01, 0.02, 100) for rate in (2000.0, 2000.0)]
FIGURE = Figure(1, "Accepted <fast>", (rates("2 KB", OURS, BARE, goal=0.9),), "A note.")
OTHER = Figure(8, "Held", (Row("memory", "KB", spread([24.0]), goal=30, at_least=False),))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps(merged(results, [FIGURE], {"load": "0.1"})))
    known = json.loads(json.dumps(merged(results, [OTHER], {"load": "9.0"})))
    figures, machines = read(known)
    assert figures == [FIGURE, OTHER]
    assert machines == {1: {"load": "0.1"}, 8: {"load": "9.0"}}


def test_figures_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    figures = [replace(OTHER, number=number) for number in (10, 2, 9)]
    known = merged(tmp_path / "none.json", figures, {})
    assert [figure.number for figure in read(known)[0]] == [2, 9, 10]


def test_a_page_shows_each_figure_with_its_goal_and_its_machine(tmp_path: Path) -> None:
    shown = page([FIGURE, OTHER], {1: {"load": "0.1"}, 8: {"load": "9.0"}}, tmp_path / "plots")
    assert "| 2 KB | 1,100 /s | 2,000 /s | 0.55 (0.50-0.60) |" in shown
    assert "| ≥ 0.9 | **not met** |" in shown
    assert "| ≤ 30 | met |" in shown
    assert "*9.0.*" in shown
    assert "](plots/figure-1.svg)" in shown
    assert not (tmp_path / "plots" / "figure-8.svg").exists()  # nothing to compare


def test_a_picture_is_sound_and_shows_what_its_row_says(tmp_path: Path) -> None:
    page([FIGURE], {1: {}}, tmp_path)
    drawn = ET.fromstring((tmp_path / "figure-1.svg").read_text())  # noqa: S314 - our own
    words = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "2 KB" in words
    assert "0.28" in words  # by processor time: half of what the ratio by the clock says


def test_a_terminal_gets_a_line_for_each_row() -> None:
    assert "goal ≥ 0.9 NOT MET" in text(FIGURE)
    assert len(text(FIGURE).splitlines()) == 2
