"""What is committed is what the generator writes."""

from pathlib import Path

import pytest

from grafana.generator import __main__ as generator


def test_the_committed_dashboards_are_what_the_generator_writes() -> None:
    assert generator.stale(generator.DASHBOARDS) == [], "run `python -m grafana.generator`"


def test_a_changed_a_missing_and_a_foreign_file_are_told_and_mended(tmp_path: Path) -> None:
    generator.write(tmp_path)
    assert generator.stale(tmp_path) == []
    changed, missing = (tmp_path / "operations" / f"{name}.json" for name in ("risk", "journal"))
    foreign = tmp_path / "foreign.json"
    changed.write_text("{}", encoding="utf-8")
    missing.unlink()
    foreign.write_text("{}", encoding="utf-8")

    assert set(generator.stale(tmp_path)) == {changed, missing, foreign}

    generator.write(tmp_path)
    assert generator.stale(tmp_path) == []
    assert not foreign.exists()


def test_check_writes_nothing_and_fails_on_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", str(tmp_path)]
    assert generator.main(["--check", *root]) == 1
    assert "run `python -m grafana.generator`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

    assert generator.main(root) == 0
    assert generator.main(["--check", *root]) == 0
