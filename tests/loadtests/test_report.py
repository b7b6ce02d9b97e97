"""A judged run on paper: everything on one page that opens offline, the verdict first."""

import csv
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtests.evidence import gather
from loadtests.logs import GatewaySample, LogWriter, Server
from loadtests.medians import worst
from loadtests.pages.chart import Chart, Dots, Line, Rule, Span
from loadtests.pages.comparison import told
from loadtests.pages.html import pairs, table
from loadtests.pages.overlay import overlay
from loadtests.pages.pictures import MOST_DOTS, on_one_scale, pictures
from loadtests.pages.plot import clock, draw, linear_ticks
from loadtests.report import compare, verify, write
from loadtests.series import over_time, step_for
from loadtests.verdict import judge
from tests.loadtests.honest import T0, Logs, honest, only
from tests.loadtests.test_verdict import KEY, double, lose
from tests.loadtests.test_verdict import write as write_logs

GATEWAY = [
    GatewaySample(T0 + 5, "steady", 4.0, 1, 0),
    GatewaySample(T0 + 12, "open", 1.0, 1, 3),
    GatewaySample(T0 + 25, "slow_start", 2.0, 2, 8),
]


def run(folder: Path, logs: Logs) -> Path:
    folder.mkdir()
    write_logs(folder, logs)
    return folder


@pytest.fixture
def passed(tmp_path: Path) -> Path:
    return run(tmp_path / "passed", honest())


def test_verify_judges_and_leaves_every_file_beside_the_logs(passed: Path) -> None:
    verdict = verify(passed)
    assert verdict == judge(passed)
    assert json.loads((passed / "verdict.json").read_text())["sentence"] == verdict.sentence
    made = {"verdict.json", "junit.xml", "series.csv", "report.html"}
    assert {path.name for path in passed.iterdir()} == made | {"sent.jsonl", "ledger.jsonl"}


def test_a_verdict_that_is_known_can_be_written_from_the_logs(passed: Path) -> None:
    write(passed, judge(passed))
    first = (passed / "report.html").read_text()
    verify(passed)
    assert (passed / "report.html").read_text() == first


def test_the_page_begins_with_the_verdict_and_fetches_nothing(passed: Path) -> None:
    sentence = verify(passed).sentence
    page = (passed / "report.html").read_text()
    assert 0 < page.index(sentence) < page.index("<table>") < page.index("<svg")
    assert page.count("<svg") == 4
    assert not re.search(r"""(https?:)?//[\w.]+\.\w|@import|url\(|src=|href=""", page)
    assert "default-src 'none'" in page


def test_the_page_names_what_went_wrong_and_how_to_repeat_it(tmp_path: Path) -> None:
    folder = run(tmp_path / "failed", lose(double(honest(), "k007"), KEY))
    assert verify(folder).exit_code == 3
    page = unescape((folder / "report.html").read_text())
    assert "k007: recorded 2 times" in page
    assert f"{KEY}: due at 33." in page
    assert "python -m loadtests run honest --via gateway --scale 1 --seed 1" in page


def test_the_page_shows_the_scenario_the_environment_and_the_gateways_own_word(
    passed: Path,
) -> None:
    (passed / "environment.json").write_text('{"python": "3.11 <here>"}')
    with LogWriter(passed / "gateway.jsonl") as log:
        for sample in GATEWAY:
            log.write(sample)
    with (passed / "gateway.jsonl").open("a") as file:
        file.write("torn")
    before = judge(passed)
    assert verify(passed) == before
    page = (passed / "report.html").read_text()
    for text in ("3.11 &lt;here&gt;", "gateway's window", "slow start", "02 Jayanti"):
        assert text in unescape(page) or text in page


def test_memory_is_drawn_where_it_was_measured(passed: Path) -> None:
    with LogWriter(passed / "gateway.jsonl") as log:
        for sample, resident in zip(GATEWAY, (80_000_000, None, 95_000_000), strict=True):
            log.write(replace(sample, resident_bytes=resident))
    verify(passed)
    page = (passed / "report.html").read_text()
    assert "How much memory the gateway used" in page
    assert page.count("<svg") == 5
    rows = list(csv.DictReader((passed / "series.csv").read_text().splitlines()))
    told = [row["gateway_resident_megabytes"] for row in rows]
    assert [value for value in told if value] == ["80.0", "95.0"]


def test_an_invalid_run_without_any_arrival_still_has_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert verify(folder).exit_code == 2
    assert "Why this run is invalid" in (folder / "report.html").read_text()


def junit(folder: Path) -> ET.Element:
    return ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - our own file, written just now


def test_junit_has_one_case_for_each_check_and_names_the_harmed(tmp_path: Path) -> None:
    targets = {"drain_ratio": {"max": 0.5}}
    folder = run(tmp_path / "failed", lose(honest(), KEY).scenario(targets=targets))
    verdict = verify(folder)
    suite = junit(folder)
    assert len(suite.findall("testcase")) == 1 + len(verdict.checks) == int(suite.attrib["tests"])
    failed = {
        case.attrib["name"]: failure.text
        for case in suite.findall("testcase")
        for failure in case.findall("failure")
    }
    assert failed.keys() == {"lost at most 0", "dishonest at most 0", "drain_ratio at most 0.5"}
    assert KEY in (failed["lost at most 0"] or "")
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("3", "0")


def test_junit_calls_an_invalid_run_an_error(tmp_path: Path) -> None:
    verify(tmp_path)
    suite = junit(tmp_path)
    assert suite.find("testcase/error") is not None


def test_the_csv_has_a_row_a_second_and_leaves_no_enrollment_out(passed: Path) -> None:
    verify(passed)
    with (passed / "series.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seconds"] for row in rows[:3]] == ["1.0", "2.0", "3.0"]
    for column in ("offered", "promised", "recorded"):
        assert sum(float(row[f"{column}_per_second"]) for row in rows) == pytest.approx(40)
    assert float(rows[19]["backlog"]) == 10
    assert rows[-1]["backlog"] == "0"


def test_a_comparison_has_both_verdicts_and_common_axes(tmp_path: Path, passed: Path) -> None:
    failed = run(tmp_path / "failed", lose(honest(80), KEY))
    page = tmp_path / "compare.html"
    failed_direct = via(failed, "direct")
    ways = compare([passed, failed_direct], page)
    assert [[verdict.exit_code for verdict in verdicts] for verdicts in ways] == [[0], [3]]
    text = page.read_text()
    assert "PASSED: all 40" in text
    assert "FAILED: 1 lost" in text
    assert text.count("<svg") == 8
    drawn = [pictures(gather(logs.sent, logs.ledger), ()) for logs in (honest(), honest(80))]
    short, long = on_one_scale(drawn)
    assert short.flow.seconds == long.flow.seconds == drawn[1].flow.seconds
    assert short.backlog.top == long.backlog.top


def via(folder: Path, name: str, **changes: object) -> Path:
    """The same logs, as if the run had gone another way (or changed in another field)."""
    path = folder / "sent.jsonl"
    first, *rest = path.read_text().splitlines()
    run = {**json.loads(first), "via": name, **changes}
    path.write_text("\n".join([json.dumps(run), *rest]) + "\n")
    return folder


def test_seeds_of_one_way_share_a_column_with_median_and_bounds(tmp_path: Path) -> None:
    folders = [
        via(run(tmp_path / str(number), honest(40 + number)), "gateway", seed=number)
        for number in (1, 2, 3)
    ]
    page = tmp_path / "compare.html"
    ways = compare(folders, page)
    assert [[verdict.seed for verdict in verdicts] for verdicts in ways] == [[1, 2, 3]]
    assert told(ways[0], "arrivals") == "42 (41 to 43)"
    assert told(ways[0], "lost") == "0"
    assert "42 (41 to 43)" in page.read_text()
    assert "seeds 1, 2, 3" in page.read_text()


def test_the_worst_run_speaks_for_its_way(tmp_path: Path) -> None:
    good = via(run(tmp_path / "good", honest()), "gateway", seed=1)
    bad = via(run(tmp_path / "bad", lose(honest(), KEY)), "gateway", seed=2)
    page = tmp_path / "compare.html"
    ((first, second),) = compare([good, bad], page)
    assert worst([first, second]) is second
    assert "FAILED: 1 lost" in page.read_text()
    assert "PASSED" not in page.read_text()


def test_of_two_that_failed_the_one_that_harmed_more_speaks(tmp_path: Path) -> None:
    less = via(run(tmp_path / "less", lose(honest(), KEY)), "nginx", seed=1)
    more = via(run(tmp_path / "more", double(lose(honest(), KEY), "k007")), "nginx", seed=2)
    compare([less, more], tmp_path / "compare.html")
    said = (tmp_path / "compare.md").read_text().splitlines()[-1]
    assert said.startswith("- **nginx**: FAILED: 1 lost")
    assert "1 recorded more than once" in said


def test_many_ways_share_one_picture_of_the_backlog(tmp_path: Path) -> None:
    names = ["gateway", "direct", "nginx", "envoy"]
    folders = [
        via(run(tmp_path / name, honest(40 if name == "nginx" else 80)), name) for name in names
    ]
    page = tmp_path / "compare.html"
    compare(folders, page)
    text = page.read_text()
    assert text.count("<svg") == 2
    assert all(f'class="way-{number} line"' in text for number in range(4))
    assert all(f"<tr><td>{name}</td>" in text for name in names)


def test_an_overlaid_line_ends_where_its_run_ended() -> None:
    short, long = (
        pictures(gather(logs.sent, logs.ledger), ()) for logs in (honest(40), honest(400))
    )
    backlog, recorded = overlay({"short": short, "long": long})
    assert backlog.at == long.backlog.at
    lines = {line.label: line.values for line in backlog.lines}
    ended = short.backlog.at[-1]
    known = [value is not None for value in lines["short"]]
    assert known == [moment <= ended for moment in backlog.at]
    assert tuple(lines["long"]) == tuple(long.backlog.lines[0].values)
    assert recorded.unit == "per second"


def test_many_enrollments_are_thinned_to_a_page_of_bounded_size() -> None:
    logs = honest(4000, outage=False)
    chart = pictures(gather(logs.sent, logs.ledger), ()).latency
    assert all(0 < len(dots.points) <= MOST_DOTS for dots in chart.dots)
    assert len(chart.at) <= 241
    assert len(draw(chart)) < 100_000


def test_a_station_that_was_never_answered_lies_on_the_upper_edge() -> None:
    logs = honest()
    unanswered = [e for e in logs.sent if getattr(e, "key", None) != KEY or hasattr(e, "due")]
    chart = pictures(gather(unanswered, logs.ledger), ()).latency
    never = next(dots for dots in chart.dots if dots.label == "never answered")
    assert len(never.points) == 1
    assert f",{12.0}h0" in draw(chart)


def test_steps_are_round_and_few() -> None:
    assert [step_for(seconds, 240) for seconds in (90, 240, 241, 15_500, 1e9)] == [
        1, 1, 2, 120, 7200,
    ]  # fmt: skip
    logs = honest()
    assert over_time(gather(logs.sent, logs.ledger), GATEWAY).window[4:13] == (
        4.0, None, None, None, None, None, None, 1.0, None,
    )  # fmt: skip


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    line = Line("a", "offered", [1.0, 2.0, None, 3.0, 4.0])
    svg = draw(Chart("t", "u", 5, [1, 2, 3, 4, 5], lines=[line]))
    path = re.search(r'<path class="offered line" d="([^"]+)"', svg)
    assert path
    assert path[1].count("M") == 2


def test_a_cliff_far_above_is_named_but_does_not_flatten_the_picture() -> None:
    drawn = []
    for cliff in (8, 800):
        logs = honest()
        logs.ledger[0] = replace(only(logs.ledger, Server), collapse_at=cliff)
        drawn.append(pictures(gather(logs.sent, logs.ledger), ()).window)
    assert [chart.top for chart in drawn] == [None, 2]
    assert "tips over above 800" in draw(drawn[1])
    assert ['<line class="cliff' in draw(chart) for chart in drawn] == [True, False]


def test_a_plot_escapes_what_it_is_given() -> None:
    evil = "<script>alert(1)</script>"
    chart = Chart(
        evil, evil, 10, [1], [Line(evil, "a", [1])], [Dots(evil, "b", [(1, 1)])],
        [Rule(evil, "c", (0, 1), (1, 1))], [Span(0, 1, evil, "d")],
        [(evil, [Span(0, 10, evil, "e")])],
    )  # fmt: skip
    assert "<script" not in draw(chart) + table([evil], [[evil]]) + pairs({evil: {evil: evil}})


@pytest.mark.parametrize(
    ("high", "ticks"),
    [(1.08, [0, 0.25, 0.5, 0.75, 1.0]), (43, [0, 10, 20, 30, 40]), (900, [0, 200, 400, 600, 800])],
)
def test_ticks_are_round_numbers(high: float, ticks: list[float]) -> None:
    assert linear_ticks(high) == ticks


@pytest.mark.parametrize(
    ("seconds", "step", "text"),
    [(30, 10, "30 s"), (90, 10, "1:30"), (300, 60, "5 min"), (7200, 3600, "2 h")],
)
def test_the_time_axis_reads_in_the_unit_of_its_steps(
    seconds: float, step: float, text: str
) -> None:
    assert clock(seconds, step) == text


def test_a_comparison_stands_beside_the_page_as_a_markdown_table(tmp_path: Path) -> None:
    harmed = double(lose(honest(), KEY), "k007")
    folders = [
        via(run(tmp_path / "gateway", honest()), "gateway"),
        via(run(tmp_path / "direct", harmed), "direct"),
    ]
    compare(folders, tmp_path / "compare.html")
    text = (tmp_path / "compare.md").read_text()
    rows = {cells[1]: cells[2:5] for line in text.splitlines() if len(cells := _cells(line)) > 5}
    assert rows["via"] == ["recorded exactly once", "lost", "doubled"]
    assert rows["gateway"] == ["40", "0", "0"]
    assert rows["direct"] == ["38", "1", "1"]
    assert "- **direct**: FAILED: 1 lost" in text


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]
