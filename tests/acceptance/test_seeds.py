"""Seeds of a fault: one that fails hides none of the others, and is on the page."""

from pathlib import Path

import pytest

from tests.acceptance import seeds
from tests.acceptance.seeds import Back, Tried, good, load, summary, tried
from tests.acceptance.seeds_page import page


async def one(seed: int) -> Back:
    """Every third fails."""
    assert seed % 3 != 1, f"lost | {seed}\nand more"
    return Back(0.5 + seed, 2.0 + seed)


async def test_a_seed_that_fails_is_written_down_and_the_next_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seeds, "RESULTS", str(tmp_path / "results"))
    results = await tried("power lost", range(4), one)
    assert [result.back for result in results] == [
        *(Back(0.5, 2.0), None, Back(2.5, 4.0), Back(3.5, 5.0))
    ]
    assert load((tmp_path / "results/power-lost.jsonl").read_text()) == results
    assert "seed 1: FAILED: AssertionError: lost | 1\n" in capsys.readouterr().out
    assert not good(results)
    assert "1 FAILED" in summary(results)
    text = page(results, cores=2)
    assert "| power lost | 4 | 1 | 2.50 s, 3.50 s | 4.00 s, 5.00 s | **FAILED** |" in text
    assert r"| 1 | | | **FAILED** AssertionError: lost \| 1 |" in text
    assert "| 3 | 3.50 | 5.00 | 0 |" in text


@pytest.mark.parametrize(
    ("intake", "delivery", "expected"),
    [(4.9, 9.9, True), (5.1, 9.9, False), (4.9, 10.1, False)],
)
def test_the_median_must_be_in_time(intake: float, delivery: float, expected: bool) -> None:  # noqa: FBT001 - a table
    results = [Tried("x", n, Back(intake, delivery)) for n in range(3)]
    results.append(Tried("x", 9, Back(60.0, 60.0)))
    assert good(results) is expected


def test_nothing_tried_is_not_good() -> None:
    assert not good([])
