"""What a process did to its files and said on its sockets, in the order in which it did it.

A recording: a list of these. Paths are those of the process. Data; must not know how it was
recorded, nor what kind of store wrote the files.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Made:
    """A file is opened that may not have been there."""

    path: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes at an offset."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The file is cut, or stretched with zeros, to ``size``."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Stretched:
    """The file has room, of zeros, for at least ``size`` bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What is called ``path`` is called ``to`` as well."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """``path`` is called ``to`` from now on; what was called so is gone."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The name is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync that succeeded has ended; it covers what stands before ``began`` in the recording.

    Of a directory it covers names, of a file its bytes.
    """

    path: str
    began: int


@dataclass(frozen=True, slots=True)
class Said:
    """Bytes are about to leave on a socket."""

    data: bytes


Event: TypeAlias = Made | Wrote | Cut | Stretched | Linked | Renamed | Removed | Synced | Said
