"""The gateway, broken in one named way: `python -m tests.acceptance.sabotage NAME serve …`.

For tests of the verdict alone. Each break replaces one thing and then runs the real program; the
conditions are no breaks: they make a break's harm visible, and an unbroken gateway survives them.
"""

import asyncio
import os
import secrets
import sys
from functools import partial
from pathlib import Path

import gateway.delivery.dispatcher
import gateway.journal.moves
import gateway.wiring.parts
from gateway.__main__ import main
from gateway.core.decide import Triage
from gateway.core.lifecycle import Status
from gateway.journal.contract import Accepted, Entry, Existing
from gateway.journal.moves import RESTARTED, Phase, Standing
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.opening import SETTINGS
from tests.support import power

SHADOWS = "SABOTAGE_SHADOWS"
"""Environment variable: where what was synced is kept, for what imitates a loss of power."""
SLOW_COMMIT_SECONDS = 1.0

_accept = SqliteJournal.accept
_kept: list[power.PowerVFS] = []  # one that is let go of is out of force


async def _accept_slowly(
    self: SqliteJournal, entry: Entry, *, sending: bool
) -> Accepted | Existing:
    await asyncio.sleep(SLOW_COMMIT_SECONDS)
    return await _accept(self, entry, sending=sending)


def slow_commit() -> None:
    """A condition: a commit takes its time."""
    SqliteJournal.accept = _accept_slowly  # type: ignore[method-assign]


def promise_before_the_commit() -> None:
    """A break: the station has its promise while the commit is still to come."""
    commits = set[asyncio.Task[Accepted | Existing]]()

    async def accept(self: SqliteJournal, entry: Entry, *, sending: bool) -> Accepted | Existing:
        del sending
        commit = asyncio.create_task(_accept_slowly(self, entry, sending=False))
        commits.add(commit)
        commit.add_done_callback(commits.discard)
        return Accepted(Status.PENDING)

    SqliteJournal.accept = accept  # type: ignore[method-assign]


def power_may_fail() -> None:
    """A condition: what was not synced will not outlive a loss of power."""
    _kept.append(power.install(Path(os.environ[SHADOWS])))


def never_sync() -> None:
    """A break: SQLite's ``synchronous=OFF``, where power may fail."""
    power_may_fail()
    lax = partial(SqliteJournal, settings={**SETTINGS, "synchronous": 0})
    vars(gateway.wiring.parts)["SqliteJournal"] = lax


def no_deduplication() -> None:
    """A break: every request is another enrollment, whatever its key."""
    Sealer.identity = lambda *_: secrets.token_bytes(32)  # type: ignore[method-assign]


def blind_second_post() -> None:
    """A break: what is in doubt is simply sent again."""
    vars(gateway.delivery.dispatcher)["triage"] = lambda *_, **__: Triage.SEND


def forget_doubt() -> None:
    """A break: an attempt that the crash cut off counts as delivered."""
    gateway.journal.moves.crashed = lambda *, now: Standing(
        Status.DELIVERED, Phase.DONE, None, now, RESTARTED
    )


CHOICES = {
    each.__name__: each
    for each in (
        slow_commit,
        promise_before_the_commit,
        power_may_fail,
        never_sync,
        no_deduplication,
        blind_second_post,
        forget_doubt,
    )
}

if __name__ == "__main__":
    CHOICES[sys.argv.pop(1)]()
    main()
