"""The table tells the truth: what failed, what was left out, what nobody tried."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.rows import ROWS
from tests.faults.table import NOT_TRIED

ROOT = Path(__file__).parents[2]
INI = "[pytest]\nmarkers = fault: a row\naddopts = --strict-markers\n"
MARKED = """
import pytest
from tests.faults.rows import ROWS

@pytest.mark.fault(1, did="killed it", sees="nothing lost", stand_in="a toy")
@pytest.mark.parametrize("number", [1, 2])
def test_kill(number, record_property):
    record_property("seen", f"{number} kills")

@pytest.mark.fault(2, did="cut the power", sees="all there")
@pytest.mark.fault(3, did="cut it in a checkpoint", sees="opens")
def test_power():
    assert "there" == "gone"

@pytest.mark.fault(3, did="looked again", sees="clean")
def test_again():
    pass

@pytest.mark.parametrize("way", [
    pytest.param("first", marks=pytest.mark.fault(5, did="one way", sees="sound")),
    pytest.param("second", marks=pytest.mark.fault(6, did="another way", sees="as sound")),
])
def test_two_ways(way):
    pass

@pytest.mark.fault(4, did="filled the disk", sees="503")
def test_full():
    pytest.skip("no disk to fill")

def test_of_no_row():
    raise SystemExit("must not run")
"""


def run(folder: Path, text: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "pytest.ini").write_text(INI)
    (folder / "conftest.py").write_text("from tests.conftest import *  # noqa\n")
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "."]
    environ = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def line(page: str, row: int) -> str:
    (found,) = (each for each in page.splitlines() if each.startswith(f"| {row} | "))
    return found


def test_every_row_is_in_the_table_with_what_came_of_it(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    ended = run(tmp_path, MARKED, f"--fault-results={results}")
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout + ended.stderr
    assert "SystemExit" not in ended.stdout
    code, page = table(results)
    assert code == 1
    for number, row in ROWS.items():
        assert row.fault in line(page, number)
    assert "killed it (2 cases). *Stand-in:* a toy | nothing lost; 1 kills; 2 kills | passed" in (
        line(page, 1)
    )
    assert "AssertionError: assert 'there' == 'gone'" in line(page, 2)
    assert "| **FAILED** |" in line(page, 2)
    assert "| **FAILED** |" in line(page, 3)
    assert "| looked again | clean | passed |" in page
    assert "| no disk to fill | **SKIPPED** |" in line(page, 4)
    assert "| one way | sound | passed |" in line(page, 5)
    assert "| another way | as sound | passed |" in line(page, 6)
    assert NOT_TRIED in line(page, 7)
    assert "3 passed, 2 **FAILED**, 1 **SKIPPED**" in page
    assert f"{len(ROWS) - 6} {NOT_TRIED}" in page


@pytest.mark.parametrize("mark", ['(99, did="x", sees="y")', "(1)", '(1, did="x", seen="y")'])
def test_a_mark_that_does_not_say_what_it_must_is_an_error(tmp_path: Path, mark: str) -> None:
    ended = run(tmp_path, f"import pytest\n@pytest.mark.fault{mark}\ndef test_x(): pass\n")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR, ended.stdout
    assert "the mark fault is wrong" in ended.stdout + ended.stderr


def test_a_run_that_tried_nothing_says_so(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    Campaign(results).pytest_sessionfinish()
    code, page = table(results, results)
    assert f"{len(ROWS)} rows: {len(ROWS)} {NOT_TRIED}." in page
    assert code == 0


def table(*results: Path) -> tuple[int, str]:
    """The exit code and the page of these results."""
    command = [sys.executable, "-m", "tests.faults", *map(str, results)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stdout


def test_the_page_in_the_docs_has_every_row_and_none_that_nobody_tried() -> None:
    page = (ROOT / "docs" / "faults.md").read_text("utf-8")
    for number, row in ROWS.items():
        assert line(page, number).startswith(f"| {number} | {row.fault} | {row.expected} | ")
    assert NOT_TRIED not in page
