"""What a commit of this server means: said by its own settings, and checked, never assumed.

``fsync``: on the primary's disk. ``quorum``: also on the disks of so many standbys that a majority
of all copies has it (https://www.postgresql.org/docs/15/runtime-config-replication.html). Pure.
"""

import re
from typing import Final

from gateway.journal.contract import JournalFault


class NotDurable(JournalFault):
    """The server would forget what it has promised. A fault of its configuration."""


_FLUSHED: Final = frozenset({"on", "remote_apply"})
_LOCAL: Final = frozenset({"local", "remote_write"})
_NAMES: Final = re.compile(r"(?:(FIRST|ANY)\s+)?(\d+)\s*\((.*)\)", re.IGNORECASE | re.DOTALL)


def durability(*, synchronous_commit: str, fsync: str, standbys: str | None, connected: int) -> str:
    """``fsync`` or ``quorum``.

    Args:
        synchronous_commit: as this session has it.
        fsync: ``on`` or ``off``.
        standbys: ``synchronous_standby_names``; None: the engine has no such setting.
        connected: standbys that stream now; all that is known where the names are ``*``.

    Raises:
        NotDurable: a commit is answered before it is on a disk.
    """
    if fsync != "on":
        raise NotDurable(
            "this PostgreSQL runs with fsync = off: it loses what it promised when power fails. "
            "Set fsync = on"
        )
    if synchronous_commit not in _FLUSHED | _LOCAL:
        raise NotDurable(
            f"this PostgreSQL commits with synchronous_commit = {synchronous_commit}: it answers "
            "before the enrollment is on a disk. Set synchronous_commit = on"
        )
    if synchronous_commit in _LOCAL or not standbys:
        return "fsync"
    needed, copies = _quorum(standbys, connected)
    return "quorum" if needed and 2 * (needed + 1) > copies + 1 else "fsync"


def _quorum(standbys: str, connected: int) -> tuple[int, int]:
    """How many standbys must have a commit, of how many."""
    found = _NAMES.fullmatch(standbys.strip())
    needed, listed = (int(found[2]), found[3]) if found else (1, standbys)
    names = [name.strip().strip('"') for name in listed.split(",") if name.strip()]
    return needed, max(connected, needed) if "*" in names else len(names)
