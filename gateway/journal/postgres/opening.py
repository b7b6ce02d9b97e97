"""Find the primary among several hosts, settle a session with it, and bring its schema up to date.

Migrations only add: a gateway of the version before goes on with a newer schema, so that gateways
can be exchanged one after the other. Each file of ``schema/`` says from which version on gateways
can live with it. Must not know what the tables are for.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from asyncpg import exceptions

from gateway.journal.contract import JournalFault
from gateway.journal.postgres.durability import durability
from gateway.journal.postgres.faults import LOST

CONNECT_SECONDS: Final = 2.0
_COMPATIBLE: Final = re.compile(r"--\s*compatible-from:\s*(\d+)")
_LOCK_SECONDS: Final = 3
# How a table's maker hears that another one was faster, by how far each had come.
_MADE_MEANWHILE: Final = (
    exceptions.UniqueViolationError,  # both wrote their lines of the catalogue
    exceptions.DuplicateTableError,
    exceptions.DuplicateObjectError,  # the type of its rows
)

# A stopped gateway must not hold the lock of a row for long. There is no limit for a statement on
# purpose: running out of it would end the wait for the standbys, and call that a commit.
_SESSION: Final = {
    "idle_in_transaction_session_timeout": "3000",
    "lock_timeout": str(_LOCK_SECONDS * 1000),
    "statement_timeout": "0",
}
# Known to PostgreSQL alone.
_TUNED: Final = (
    "SET work_mem = '64MB'",
    "SET tcp_user_timeout = 10000",
    "SET jit = off",
    "SET plan_cache_mode = force_generic_plan",
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. ``compatible``: the oldest schema whose gateways may go on."""

    script: str
    compatible: int


def migrations() -> list[Migration]:
    """Those of this gateway, in order."""
    schema = resources.files("gateway.journal.postgres") / "schema"
    files = sorted(
        (each for each in schema.iterdir() if re.match(r"\d+_.*\.sql$", each.name)),
        key=lambda each: each.name,
    )
    return [_migration(file.read_text(encoding="utf-8")) for file in files]


def _migration(script: str) -> Migration:
    found = _COMPATIBLE.search(script)
    if found is None:
        raise ValueError("a migration must say which gateways may go on: -- compatible-from: N")
    return Migration(script, int(found[1]))


def hosts_of(url: str) -> list[str]:
    """The URL of each host of a URL that may name several."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{who}{at}{host}").geturl() for host in where.split(",")]


async def connect(url: str, *, name: str) -> Any:  # noqa: ANN401 - asyncpg's connection
    """A settled connection to the first host that answers as a primary.

    All are asked at once: one that is dead or silent costs nothing.

    Raises:
        OSError: none does; or what else asyncpg says.
    """
    tries = [asyncio.ensure_future(_connect_one(host, name)) for host in hosts_of(url)]
    last: BaseException = OSError("no host was asked")
    chosen = None
    try:
        for done in asyncio.as_completed(tries):
            try:
                chosen = await done
                break
            except LOST as error:
                last = error
        await _drop(tries, but=chosen)
    except BaseException:
        # Also the one that was chosen: nobody will be handed it.
        await _drop(tries, but=None)
        raise
    if chosen is None:
        raise last
    return chosen


async def _drop(tries: Sequence["asyncio.Future[Any]"], *, but: object) -> None:
    """End what is still being tried, and what came too late."""
    for each in tries:
        each.cancel()
    for late in await asyncio.gather(*tries, return_exceptions=True):
        if not isinstance(late, BaseException) and late is not but:
            late.terminate()


async def _connect_one(url: str, name: str) -> Any:  # noqa: ANN401 - asyncpg's connection
    async with asyncio.timeout(CONNECT_SECONDS):
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": f"enrollment-gateway {name}"[:63], **_SESSION},
        )
        try:
            # Not by asyncpg's target_session_attrs: cancelled meanwhile, that leaves its connection
            # to a task that nobody waits for.
            await _check_writable(connection)
            if await is_postgresql(connection):
                for setting in _TUNED:
                    await connection.execute(setting)
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _check_writable(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise exceptions.TargetServerAttributeNotMatched("this host is open for reading only")


async def is_postgresql(connection: Any) -> bool:  # noqa: ANN401 - asyncpg's
    """Whether it is PostgreSQL itself, and not another engine on its wire."""
    version = await connection.fetchval("SELECT version()")
    return str(version).startswith("PostgreSQL ") and "-YB-" not in str(version)


async def how_durable(connection: Any) -> str:  # noqa: ANN401 - asyncpg's
    """``fsync`` or ``quorum``, as the server has it now.

    Raises:
        NotDurable: neither.
    """
    row = await connection.fetchrow(
        "SELECT current_setting('synchronous_commit'), coalesce(current_setting('fsync', true),"
        " 'on'), current_setting('synchronous_standby_names', true)"
    )
    connected = 0
    if row[2] and "*" in row[2]:
        connected = await connection.fetchval("SELECT count(*) FROM pg_stat_replication")
    return durability(synchronous_commit=row[0], fsync=row[1], standbys=row[2], connected=connected)


async def migrate(connection: Any, steps: Sequence[Migration]) -> None:  # noqa: ANN401 - asyncpg's
    """Bring the schema up to date, one gateway at a time; others go on meanwhile.

    Raises:
        JournalFault: it is newer than this gateway can live with.
    """
    await _make_version_row(connection)
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT version, compatible FROM journal_schema WHERE one FOR UPDATE"
        )
        version, compatible = row
        if version > len(steps) and compatible > len(steps):
            raise JournalFault(
                f"this journal has schema {version}, which gateways that know {compatible} or newer"
                f" can use; this one knows {len(steps)}. Start the newer gateway again"
            )
        for number, step in enumerate(steps[version:], start=version + 1):
            await connection.execute(step.script)
            await connection.execute(
                "UPDATE journal_schema SET version = $1, compatible = $2 WHERE one",
                number,
                max(compatible, *(each.compatible for each in steps[:number])),
            )
        if version == 0 and await is_postgresql(connection):
            schema = resources.files("gateway.journal.postgres") / "schema"
            await connection.execute((schema / "tuning.sql").read_text(encoding="utf-8"))


async def _make_version_row(connection: Any) -> None:  # noqa: ANN401 - asyncpg's
    """The table that tells the version, and its row, unless they are there. Committed when back.

    ``IF NOT EXISTS`` only looks before it begins: of several that begin at once one makes the
    table, and the others find its name, or that of its row type, taken halfway. Whichever it was,
    the one that took it has committed, row and all.
    """
    if await connection.fetchval("SELECT to_regclass('journal_schema')") is not None:
        return
    with contextlib.suppress(*_MADE_MEANWHILE):
        async with connection.transaction():
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS journal_schema"
                " (one BOOLEAN PRIMARY KEY, version INTEGER NOT NULL, compatible INTEGER NOT NULL)"
            )
            await connection.execute(
                "INSERT INTO journal_schema VALUES (true, 0, 0) ON CONFLICT (one) DO NOTHING"
            )
