"""A journal's file read page by page, without SQLite: what a damaged one still holds.

Theory (sqlite.org/fileformat2.html, sections 1 and 2): every row is whole in one leaf page, a long
one goes on in a chain of overflow pages, and a leaf lists its rows. So each intact leaf gives its
rows, whatever happened to the pages above it. Freed pages hold old rows and are left out.

Must not know which tables there are.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeAlias

from gateway.journal.sqlite import log

Value: TypeAlias = int | float | str | bytes | None

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER = 0x0D, 0x0A, 0x02
_FILE_HEADER: Final = 100
_VERSION_AT, _FREE_AT = 60, 32
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Row(NamedTuple):
    """One row of a table (``rowid`` is its number), or one of an index (None)."""

    rowid: int | None
    values: tuple[Value, ...]


class Pages:
    """The pages as file and log have them. Use it as a context."""

    def __init__(self, path: Path, page_size: int) -> None:
        self._size = page_size
        self._file = os.open(path, os.O_RDONLY)
        log_path = log.path_of(path)
        self._places = log.pages(log_path, page_size)
        self._log = os.open(log_path, os.O_RDONLY) if log_path.exists() else None
        in_file = -(-os.fstat(self._file).st_size // page_size)
        self.count = max(in_file, *self._places, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        if self._log is not None:
            os.close(self._log)

    def version(self) -> int:
        """The schema's number, as the file's header says; it may be nonsense."""
        return int.from_bytes(self._page(1)[_VERSION_AT : _VERSION_AT + 4], "big")

    def rows(self) -> Iterator[Row]:
        """Every row that can be read, of tables and indexes, in no order."""
        freed = self._freed()
        for number in range(1, self.count + 1):
            if number not in freed:
                yield from self._rows_of(number)

    def _page(self, number: int) -> bytes:
        place = self._places.get(number)
        if place is not None and self._log is not None:
            page = os.pread(self._log, self._size, place)
        else:
            page = os.pread(self._file, self._size, (number - 1) * self._size)
        return page.ljust(self._size, b"\0")

    def _freed(self) -> set[int]:
        freed: set[int] = set()
        trunk = int.from_bytes(self._page(1)[_FREE_AT : _FREE_AT + 4], "big")
        while 1 < trunk <= self.count and trunk not in freed:
            freed.add(trunk)
            page = self._page(trunk)
            trunk, leaves = struct.unpack(">II", page[:8])
            leaves = min(leaves, self._size // 4 - 2)
            freed.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
        return freed

    def _rows_of(self, number: int) -> Iterator[Row]:
        page = self._page(number)
        start = _FILE_HEADER if number == 1 else 0
        kind = page[start]
        if kind not in {_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER}:
            return
        cells = min(int.from_bytes(page[start + 3 : start + 5], "big"), self._size // 4)
        pointers = start + (12 if kind == _INDEX_INNER else 8)
        for place in range(pointers, pointers + 2 * cells, 2):
            at = int.from_bytes(page[place : place + 2], "big")
            rowid = None
            try:
                length, at = _varint(page, at + (4 if kind == _INDEX_INNER else 0))
                if kind == _TABLE_LEAF:
                    rowid, at = _varint(page, at)
                most = self._size - 35 if kind == _TABLE_LEAF else self._most_in_index()
                yield Row(rowid, _record(self._payload(page, at, length, most)))
            except (ValueError, IndexError, struct.error):
                continue  # this one is damaged; its neighbours may be whole

    def _most_in_index(self) -> int:
        return (self._size - 12) * 64 // 255 - 23

    def _payload(self, page: bytes, at: int, length: int, most: int) -> bytes:
        """A row's bytes: those on its page, then those of its overflow chain."""
        if length > self.count * self._size:
            raise ValueError("longer than the file")
        least = (self._size - 12) * 32 // 255 - 23
        here = least + (length - least) % (self._size - 4)
        local = length if length <= most else here if here <= most else least
        parts = [page[at : at + local]]
        left = length - local
        following = int.from_bytes(page[at + local : at + local + 4], "big") if left else 0
        while left > 0:
            if not 1 < following <= self.count:
                raise ValueError("the chain leads out of the file")
            more = self._page(following)
            following = int.from_bytes(more[:4], "big")
            parts.append(more[4 : 4 + left])
            left -= len(parts[-1])
        payload = b"".join(parts)
        if len(payload) != length:
            raise ValueError("cut short")
        return payload


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends. Raises IndexError where the data do."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9


def _record(payload: bytes) -> tuple[Value, ...]:
    """The values of a row. Raises ValueError or IndexError: it is none."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        value, end = _value(payload, kind, end)
        values.append(value)
    if end != len(payload):
        raise ValueError("more bytes than its header says")
    return tuple(values)


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind in {0, 8, 9}:
        return (None, 0, 1)[0 if kind == 0 else kind - 7], at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack(">d", payload[at : at + 8])[0], at + 8
    if kind < 12:
        raise ValueError("no such kind of value")
    end = at + (kind - 12) // 2
    if end > len(payload):
        raise ValueError("cut short")
    data = payload[at:end]
    if kind % 2 == 0:
        return data, end
    with suppress(UnicodeDecodeError):
        return data.decode(), end
    raise ValueError("not UTF-8")
