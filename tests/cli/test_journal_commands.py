"""`journal` and `keys` where the journal is on PostgreSQL: what works, and what to do instead."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from gateway.cli.who import who
from gateway.journal.chain import check
from gateway.journal.contract import AuditRecord
from gateway.journal.keyring import KeyRing, bind
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from tests.journal.conftest import new_place
from tests.journal.test_offline import numbered
from tests.support.postgres import one_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with one_server() as server:
        yield new_place(server)


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def configure(url: str) -> None:
    Path("gateway.toml").write_text(
        f"""upstream.url = "http://127.0.0.1:9"
journal.url = "{url}"
journal.key_file = "keys.json"
receipts.key_file = "receipts.json"
"""
    )


def type_(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", "gateway.toml"])


def test_a_journal_goes_from_a_file_into_postgresql_by_two_commands(url: str) -> None:
    configure("sqlite:///journal.db")
    assert type_("keys", "generate").exit_code == 0
    none = type_("journal", "export", "undelivered.jsonl")
    assert none.exit_code == 1
    assert "there is no journal" in none.stderr
    make_journal()
    exported = type_("journal", "export", "undelivered.jsonl")
    assert (exported.exit_code, exported.stdout.splitlines()[0]) == (
        0,
        "2 enrollments in undelivered.jsonl; to open them takes these keys:",
    )
    configure(url)
    for told in ("2 enrollments taken in, 0 were", "0 enrollments taken in, 2 were"):
        imported = type_("journal", "import", "undelivered.jsonl")
        assert imported.exit_code == 0, imported.stderr
        assert told in imported.stdout
    verified = type_("journal", "verify")
    assert verified.exit_code == 0
    assert verified.stdout.splitlines() == [
        "figures are compared: 2 in_doubt",
        "4 sealed parts open, under 1 keys",
        "the audit's chain holds: 2 records",
    ]
    back = type_("journal", "export", "back.jsonl")
    assert (back.exit_code, "2 enrollments in back.jsonl" in back.stdout) == (0, True)


def make_journal() -> None:
    ring = KeyRing.load(Path("keys.json"))

    async def fill() -> None:
        journal = SqliteJournal(Path("journal.db"))
        await journal.open(now=1.0)
        await bind(journal, ring)
        for number in (1, 2):
            sealed = Sealer(ring).seal(numbered(number), rank=float(number))
            await journal.accept(sealed, sending=False)
        await journal.close()

    asyncio.run(fill())


def read_audit() -> list[AuditRecord]:
    async def read() -> list[AuditRecord]:
        journal = SqliteJournal(Path("journal.db"))
        await journal.open(now=2.0)
        records = list(reversed(await journal.audit_list()))
        await journal.close()
        return records

    return asyncio.run(read())


def test_what_is_done_by_commands_is_in_the_audit_with_who_did_it() -> None:
    configure("sqlite:///journal.db")
    assert type_("keys", "generate").exit_code == 0
    make_journal()
    for words in (
        ("journal", "export", "undelivered.jsonl"),
        ("journal", "import", "undelivered.jsonl"),
        ("journal", "compact"),
        ("keys", "rotate", "--forget-old"),
        ("journal", "verify", "--acknowledge"),
    ):
        done = type_(*words)
        assert done.exit_code == 0, done.output
    records = read_audit()
    assert [(each.action, each.subject) for each in records] == [
        ("export", "journal"),
        ("import", "journal"),
        ("compact", "journal"),
        ("journal keys rotated", "keys"),
        ("old journal keys forgotten", "keys"),
        ("losses acknowledged", "journal"),
    ]
    assert {each.actor for each in records} == {who()}
    assert check(records).holds
    assert "the audit's chain holds: 6 records" in type_("journal", "verify").stdout


def test_an_audit_that_was_changed_is_found_by_verify_with_what_to_do() -> None:
    configure("sqlite:///journal.db")
    assert type_("keys", "generate").exit_code == 0
    make_journal()
    for _ in range(3):
        assert type_("journal", "compact").exit_code == 0
    connection = apsw.Connection("journal.db")
    connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    connection.close()
    found = type_("journal", "verify")
    assert found.exit_code == 1
    assert "breaks at record 2" in found.stdout
    assert "operator_acted" in found.stdout


def test_compacting_is_told_to_be_the_databases_work() -> None:
    configure("postgresql://me@127.0.0.1/journal")
    found = type_("journal", "compact")
    assert found.exit_code == 1
    assert "VACUUM" in found.stderr


def test_a_new_key_is_for_what_comes_and_no_old_one_is_taken_out() -> None:
    configure("postgresql://me@127.0.0.1/journal")
    assert type_("keys", "generate").exit_code == 0
    before = KeyRing.load(Path("keys.json"))
    refused = type_("keys", "rotate", "journal", "--forget-old")
    assert (refused.exit_code, "still needed" in refused.stderr) == (1, True)
    found = type_("keys", "rotate", "journal")
    assert found.exit_code == 0, found.stderr
    assert "copy it to every gateway" in found.stdout
    after = KeyRing.load(Path("keys.json"))
    assert (before.active in after.keys, before.active == after.active) == (True, False)
    assert after.mark() == before.mark()
