"""From what strace wrote to a recording. Must not know what the traced process is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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

_LINE: Final = re.compile(r"(\d+) +(.*)")
_BEGUN: Final = re.compile(r"(\w+)\((.*)")
_RESUMED: Final = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR: Final = re.compile(r"\d+<((?:\\x[0-9a-f]{2})*)>")
_UNFINISHED: Final = "<unfinished ...>"

SYNCS: Final = frozenset({"fsync", "fdatasync"})
WRITES: Final = frozenset(
    {"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg"}
)
# Nothing is durable by these. ``sync_file_range`` only begins to write, and promises nothing.
_HARMLESS: Final = frozenset({"close", "lseek", "mkdir", "sync_file_range"})


class Unreadable(Exception):
    """A call on a file that this cannot replay: teach it, before the recording is believed."""


@dataclass(slots=True)
class _Open:
    """A sync under way in one thread."""

    path: str
    began: int


def has_ended(trace: Path, process: int) -> bool:
    """Whether the traced process is gone, and the trace whole."""
    with trace.open("rb") as file:
        file.seek(max(trace.stat().st_size - 4096, 0))
        tail = file.read().decode("ascii", "replace")
    return any(line.startswith(f"{process} ") and "+++ " in line for line in tail.splitlines())


def read(trace: Path, files: re.Pattern[str]) -> list[Event]:
    """The recording of the files whose paths ``files`` finds something in.

    A write counts from where it began, a sync from where it ended.

    Raises:
        Unreadable: something was done to such a file that cannot be replayed.
    """
    with trace.open(encoding="ascii") as lines:
        return _Reading(files).read(lines)


class _Reading:
    def __init__(self, files: re.Pattern[str]) -> None:
        self._files = files
        self._events: list[Event] = []
        self._syncs: dict[str, _Open] = {}
        self._ends: dict[str, int] = {}  # where a plain write goes on, by path

    def read(self, lines: Iterable[str]) -> list[Event]:
        for line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            thread, text = found.groups()
            if resumed := _RESUMED.match(text):
                self._resumed(thread, *resumed.groups())
            elif begun := _BEGUN.match(text):
                self._begun(thread, *begun.groups())
        return self._events

    def _begun(self, thread: str, name: str, rest: str) -> None:
        if name in SYNCS:
            path = _descriptor(rest)
            self._syncs[thread] = _Open(path, len(self._events))
            if _UNFINISHED not in rest:
                self._synced(thread, rest)
        elif name in WRITES and _descriptor(rest).startswith("socket:"):
            self._events.append(Said(_data(rest)))
        elif any(self._is_file(path) for path in _paths(rest)) and "= -1 " not in rest:
            self._events += self._done(name, rest)

    def _resumed(self, thread: str, name: str, rest: str) -> None:
        if name in SYNCS:
            self._synced(thread, rest)

    def _synced(self, thread: str, rest: str) -> None:
        sync = self._syncs.pop(thread)
        if rest.rstrip().endswith("= 0"):
            self._events.append(Synced(sync.path, sync.began))

    def _is_file(self, path: str) -> bool:
        return self._files.search(path) is not None

    def _done(self, name: str, rest: str) -> Iterator[Event]:
        path = next(path for path in _paths(rest) if self._is_file(path))
        match name:
            case "openat":
                yield from self._opened(path, rest)
            case "pwrite64" | "pwritev" | "pwritev2":
                place = -2 if name == "pwritev2" else -1  # its last argument says how
                yield Wrote(path, _numbers(rest)[place], _data(rest))
            case "write" | "writev":
                data = _data(rest)
                at = self._ends.get(path, 0)
                self._ends[path] = at + len(data)
                yield Wrote(path, at, data)
            case "ftruncate":
                yield Cut(path, _numbers(rest)[-1])
            case "fallocate" if _numbers(rest)[:-2] == [0]:  # a mode has a name, unless it is none
                yield Stretched(path, sum(_numbers(rest)))
            case "rename" | "renameat" | "renameat2":
                old, new = _texts(rest)
                yield Renamed(old, new)
            case "link" | "linkat":
                old, new = _texts(rest)
                yield Linked(old, new)
            case "unlink" | "unlinkat":
                yield Removed(path)
            case _ if name not in _HARMLESS:
                raise Unreadable(f"{name}: {path}")

    def _opened(self, path: str, rest: str) -> Iterator[Event]:
        if "O_APPEND" in rest:
            raise Unreadable(f"opened to append: {path}")
        if "O_CREAT" in rest:
            yield Made(path)
        if "O_TRUNC" in rest:
            yield Cut(path, 0)
        self._ends[path] = 0


def _bytes(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal.replace("\\x", ""))


def _descriptor(rest: str) -> str:
    found = _DESCRIPTOR.match(rest)
    return "" if found is None else _bytes(found[1]).decode("utf-8", "replace")


def _data(rest: str) -> bytes:
    return b"".join(_bytes(text) for text in _TEXT.findall(rest))


def _texts(rest: str) -> list[str]:
    return [_bytes(text).decode("utf-8", "replace") for text in _TEXT.findall(rest)]


def _paths(rest: str) -> list[str]:
    """What may be paths: of the first descriptor, and short texts."""
    return [_descriptor(rest), *(_texts(rest) if len(rest) < 4000 else ())]


def _numbers(rest: str) -> list[int]:
    """The plain numbers at the end of the arguments: ``…, 4096, 8192) = 4096``, or unfinished."""
    arguments = rest.partition(_UNFINISHED)[0].rpartition(") = ")[0] or rest.partition(" <unf")[0]
    found = re.search(r"((?:, \d+)+)[ ,]*$", arguments)
    return [] if found is None else [int(each) for each in found[1].split(", ")[1:]]
