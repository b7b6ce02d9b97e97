"""`audit`: operators see what was done, and whether the record of it was tampered with."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from tests.cli.conftest import Lab


def act(lab: Lab, times: int = 3) -> None:
    for number in range(times):
        assert lab.type("pause", "--reason", f"move {number}").exit_code == 0


def test_what_was_done_is_listed_newest_first(lab: Lab) -> None:
    act(lab)
    shown = lab.type("audit", "list").stdout
    assert shown.index("move 2") < shown.index("move 0")
    listed = json.loads(lab.type("audit", "list", "--limit", "2", "--json").stdout)["items"]
    assert [item["seq"] for item in listed] == [3, 2]


def test_a_chain_that_holds_is_said_to(lab: Lab) -> None:
    act(lab)
    done = lab.type("audit", "verify")
    assert done.exit_code == 0, done.output
    assert "3 records" in done.stdout
    assert "the chain holds" in done.stdout


def test_a_saved_audit_is_checked_without_a_gateway(lab: Lab, tmp_path: Path) -> None:
    act(lab)
    saved = lab.type("audit", "list", "--all", "--json").stdout
    file = tmp_path / "audit.json"
    file.write_text(saved)
    head = json.loads(saved)["items"][0]["link"]
    assert lab.type("audit", "verify", str(file), "--head", head).exit_code == 0
    file.write_text(saved.replace("move 1", "tea"))
    broken = lab.type("audit", "verify", str(file))
    assert (broken.exit_code, "breaks at record 2" in broken.stderr) == (1, True)
    assert "the chain holds" not in broken.stdout


def test_an_audit_tampered_with_in_the_journal_is_told(lab: Lab) -> None:
    act(lab)

    async def tamper() -> str:
        records = lab.journal._state.audit
        records[0] = replace(records[0], detail="nothing")
        return records[-1].link

    head = asyncio.run_coroutine_threadsafe(tamper(), lab.loop).result(5)
    assert lab.type("audit", "verify").exit_code == 1
    del lab.journal._state.audit[:]
    cut = lab.type("audit", "verify", "--head", head)
    assert (cut.exit_code, "--head is not in it" in cut.stderr) == (1, True)


def test_a_file_that_is_no_audit_is_told(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    assert "holds no audit" in lab.type("audit", "verify", str(tmp_path / "x")).stderr
    assert "cannot be read" in lab.type("audit", "verify", str(tmp_path / "y")).stderr
