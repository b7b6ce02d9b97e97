"""A disk whose power may fail: what a recording leaves there, and what is left of it by chance.

Written and not yet synced, a sector may be on the disk or not, whatever became of those written
before it; one may be torn. A cut of a file that was not synced may have happened or not. Names
(files made, linked, renamed, removed) reach the disk in their order, as journaling file systems
keep them, and surely once their directory is synced. What was synced is there.

Kinder than the worst disk in one thing: a sector never holds what nobody wrote there.
"""

import random
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TypeAlias

from tests.faults.events import (
    Cut,
    Event,
    Linked,
    Made,
    Removed,
    Renamed,
    Said,
    Stretched,
    Synced,
    Wrote,
)

Change: TypeAlias = Wrote | Cut | Stretched
Naming: TypeAlias = Made | Linked | Renamed | Removed


@dataclass(slots=True)
class _File:
    """Bytes that are on the disk, and changes that may be; each with its place in the recording."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, Change]] = field(default_factory=list)


class Disk:
    """Follows a recording, event by event."""

    def __init__(self) -> None:
        self._now = 0
        self._names: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._pending_names: list[tuple[int, Naming, _File]] = []

    def follow(self, event: Event) -> None:
        """The next event of the recording."""
        match event:
            case Made(path):
                if path not in self._names:
                    self._name(event, _File())
            case Wrote(path) | Cut(path) | Stretched(path):
                if path in self._names:
                    self._names[path].pending.append((self._now, event))
            case Linked(path) | Renamed(path) | Removed(path):
                if path in self._names:
                    self._name(event, self._names[path])
            case Synced(path, began):
                self._sync(path, began)
            case Said():
                pass
        self._now += 1

    def behind(self, suffix: str) -> bool:
        """Whether a file whose name ends so has changes that are not synced."""
        return any(
            path.endswith(suffix) and file.pending for path, file in self._durable_names.items()
        )

    def after_power_loss(self, rng: random.Random) -> dict[str, bytes]:
        """One of the states in which it may be found: bytes by path."""
        names = dict(self._durable_names)
        for _, naming, file in self._pending_names[: rng.randint(0, len(self._pending_names))]:
            _rename(names, naming, file)
        return {path: _left_of(file, rng) for path, file in names.items()}

    def _name(self, naming: Naming, file: _File) -> None:
        _rename(self._names, naming, file)
        self._pending_names.append((self._now, naming, file))

    def _sync(self, path: str, began: int) -> None:
        file = self._names.get(path)
        if file is not None:
            kept = [(at, change) for at, change in file.pending if at >= began]
            for at, change in file.pending:
                if at < began:
                    _apply(file.durable, change)
            file.pending = kept
            return
        waiting = []
        for at, naming, named in self._pending_names:
            if at < began and str(PurePath(naming.path).parent) == path:
                _rename(self._durable_names, naming, named)
            else:
                waiting.append((at, naming, named))
        self._pending_names = waiting


def _rename(names: dict[str, _File], naming: Naming, file: _File) -> None:
    match naming:
        case Made(path):
            names[path] = file
        case Linked(_, to):
            names[to] = file
        case Renamed(path, to):
            names.pop(path, None)
            names[to] = file
        case Removed(path):
            names.pop(path, None)


def _apply(content: bytearray, change: Change) -> None:
    match change:
        case Cut(_, size):
            del content[size:]
            content.extend(bytes(size - len(content)))
        case Stretched(_, size):
            content.extend(bytes(max(size - len(content), 0)))
        case Wrote(_, offset, data):
            content.extend(bytes(max(offset - len(content), 0)))
            content[offset : offset + len(data)] = data


def _left_of(file: _File, rng: random.Random) -> bytes:
    """What may be found of one file."""
    content = bytearray(file.durable)
    changes = [change for _, change in file.pending]
    match rng.choice(("none", "all", "first", "some", "sectors", "sectors", "sectors")):
        case "none":
            changes = []
        case "first":
            changes = changes[: rng.randint(0, len(changes))]
        case "some":
            changes = [change for change in changes if rng.random() < 0.5]
        case "sectors":
            changes = _sectors(changes, rng)
    if changes and rng.random() < 0.3:
        changes[-1] = _torn(changes[-1], rng)
    for change in changes:
        _apply(content, change)
    return bytes(content)


def _sectors(changes: list[Change], rng: random.Random) -> list[Change]:
    """Each sector of each write for itself: there, or not."""
    size, share = rng.choice((512, 4096)), rng.choice((0.1, 0.5, 0.9))
    found: list[Change] = []
    for change in changes:
        if not isinstance(change, Wrote):
            found += [change] if rng.random() < share else []
            continue
        start, end = change.offset, change.offset + len(change.data)
        while start < end:
            edge = min(end, (start // size + 1) * size)
            if rng.random() < share:
                data = change.data[start - change.offset : edge - change.offset]
                found.append(Wrote(change.path, start, data))
            start = edge
    return found


def _torn(change: Change, rng: random.Random) -> Change:
    if not isinstance(change, Wrote):
        return change
    return Wrote(change.path, change.offset, change.data[: rng.randint(0, len(change.data))])
