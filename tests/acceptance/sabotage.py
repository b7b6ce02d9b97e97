"""The gateway, broken in one named way: `python -m tests.acceptance.sabotage NAME serve …`.

For tests of the verdict alone. Each break replaces one thing and then runs the real program; the
conditions are no breaks: they make a break's harm visible, and an unbroken gateway survives them.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from unittest.mock import patch

import apsw

from gateway.__main__ import main
from gateway.core.decide import Triage
from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Entry, Existing
from gateway.journal.moves import RESTARTED, Phase, Standing
from gateway.journal.postgres import opening
from gateway.journal.postgres.opening import Migration
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies.file import BodyFile
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.disk import FailingDisk
from tests.support import power

SHADOWS = "SABOTAGE_SHADOWS"
"""Environment variable: where what was synced is kept, for what imitates a loss of power."""
SLOW_COMMIT_SECONDS = 1.0

_accept = SqliteJournal.accept
_kept: list[apsw.VFS] = []  # one that is let go of is out of force


async def _accept_slowly(
    self: SqliteJournal, entry: Entry, *, sending: bool
) -> Accepted | Existing:
    await asyncio.sleep(SLOW_COMMIT_SECONDS)
    return await _accept(self, entry, sending=sending)


def slow_commit() -> None:
    """A condition: a commit takes its time."""
    patch.object(SqliteJournal, "accept", _accept_slowly).start()


def promise_before_the_commit() -> None:
    """A break: the station has its promise while the commit is still to come."""
    commits = set[asyncio.Task[Accepted | Existing]]()

    async def accept(self: SqliteJournal, entry: Entry, *, sending: bool) -> Accepted | Existing:
        del sending
        commit = asyncio.create_task(_accept_slowly(self, entry, sending=False))
        commits.add(commit)
        commit.add_done_callback(commits.discard)
        return Accepted(Status.PENDING)

    patch.object(SqliteJournal, "accept", accept).start()


def power_may_fail() -> None:
    """A condition: what was not synced will not outlive a loss of power."""
    _kept.append(power.install(Path(os.environ[SHADOWS])))


def no_sync() -> None:
    """A break: SQLite's ``synchronous=OFF``."""
    lax = partial(SqliteJournal, settings={**SETTINGS, "synchronous": 0})
    patch("gateway.wiring.parts.SqliteJournal", lax).start()


def no_sync_of_bodies() -> None:
    """A break: large bodies are left to the page cache."""
    patch.object(BodyFile, "sync", lambda _: None).start()


def never_sync() -> None:
    """A break: the same, where power may fail."""
    power_may_fail()
    no_sync()


def clock_jumps() -> None:
    """A condition: the machine's wall clock jumps an hour ahead at SIGUSR1, back at SIGUSR2."""
    wall, hours = time.time, Counter[None]()

    def jump(number: int, _: object) -> None:
        hours[None] += 1 if number == signal.SIGUSR1 else -1

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, jump)
    patch("time.time", lambda: wall() + 3600 * hours[None]).start()


def read_only() -> None:
    """A condition: from SIGUSR1 on the journal's disk takes no write, from SIGUSR2 on it does."""
    disk = FailingDisk()
    _kept.append(disk)

    def turn(number: int, _: object) -> None:
        disk.trouble.write = apsw.SQLITE_READONLY if number == signal.SIGUSR1 else None

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, turn)


def sync_fails() -> None:
    """A condition: from SIGUSR1 on the journal's disk fails to sync."""
    disk = FailingDisk()
    _kept.append(disk)

    def fail(_number: int, _: object) -> None:
        disk.trouble.sync = apsw.SQLITE_IOERR_FSYNC

    signal.signal(signal.SIGUSR1, fail)


def no_deduplication() -> None:
    """A break: every request is another enrollment, whatever its key."""
    patch.object(Sealer, "identity", lambda *_: secrets.token_bytes(32)).start()


def blind_second_post() -> None:
    """A break: what is in doubt is simply sent again."""
    patch("gateway.delivery.filling.triage", lambda *_, **__: Triage.SEND).start()


def forget_doubt() -> None:
    """A break: an attempt that the crash cut off counts as delivered."""

    def crashed(*, now: float) -> Standing:
        return Standing(Status.DELIVERED, Phase.DONE, None, now, RESTARTED)

    patch("gateway.journal.moves.crashed", crashed).start()


def believe_in_asynchronous_commit() -> None:
    """A break: a database that answers before it has anything on a disk is taken for a quorum."""

    async def how_durable(_connection: object) -> str:
        return "quorum"

    patch("gateway.journal.postgres.opening.how_durable", how_durable).start()


def newer_schema() -> None:
    """A condition: a gateway of the next version, whose schema has one more column."""
    known = opening.migrations()
    added = Migration("ALTER TABLE enrollment ADD COLUMN mood TEXT", compatible=1)
    patch("gateway.journal.postgres.opening.migrations", lambda: [*known, added]).start()


CHOICES = {
    each.__name__: each
    for each in (
        slow_commit,
        promise_before_the_commit,
        power_may_fail,
        no_sync,
        no_sync_of_bodies,
        never_sync,
        clock_jumps,
        read_only,
        sync_fails,
        no_deduplication,
        blind_second_post,
        forget_doubt,
        believe_in_asynchronous_commit,
        newer_schema,
    )
}

if __name__ == "__main__":
    CHOICES[sys.argv.pop(1)]()
    main()
