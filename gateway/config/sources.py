"""The places a setting can come from, each read into flat keys that know their origin.

Must not know which keys exist: that is judged once, over all sources (see ``loading``).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.config.faults import ConfigFault, Problem

PREFIX: Final = "ENROLLMENT_GATEWAY__"
FLAGS: Final = {
    "upstream.url": "--upstream",
    "intake.listen": "--listen",
    "admin.listen": "--admin-listen",
    "journal.url": "--journal",
}


class Source(StrEnum):
    """Weakest first: flags beat the environment, the environment beats the file."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from. ``where``: ``file:line``, a variable's or a flag's name."""

    source: Source
    where: str = ""

    def __str__(self) -> str:
        """``file gateway.toml:12``."""
        return f"{self.source} {self.where}".rstrip()


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was given, not yet checked."""

    value: object
    origin: Origin


def from_file(file: Path) -> dict[str, Given]:
    """The keys of a TOML file; beside a list, its parts too: ``routes[0].mode``.

    Raises:
        ConfigFault: it cannot be read, or it is not TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigFault([Problem("", f"cannot be read: {error.strerror}", str(file))]) from None
    except UnicodeDecodeError:
        raise ConfigFault([Problem("", "is not UTF-8 text", str(file))]) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{file}:{line[1]}" if line else str(file)
        raise ConfigFault([Problem("", f"is not TOML: {error}", where)]) from None
    lines = lines_of_keys(text)
    return {
        key: Given(value, Origin(Source.FILE, f"{file}:{lines[key]}"))
        for key, value in _flat(document)
    }


def lines_of_keys(text: str) -> dict[str, int]:
    """The line on which each key of a TOML text begins, ``routes[0].mode`` among them.

    The first part of the text that is TOML by itself and holds the key tells where it is: no
    second reader of TOML is needed. That costs the square of the lines, which are few.
    """
    lines = text.split("\n")
    found: dict[str, int] = {}
    start = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value that spans lines
        for key, _ in _flat(document):
            found.setdefault(key, start + 1)
        start = end
    return found


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """The keys of variables such as ``ENROLLMENT_GATEWAY__UPSTREAM__URL``; empty: not given."""
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): Given(
            value, Origin(Source.ENVIRONMENT, name)
        )
        for name, value in environ.items()
        if name.startswith(PREFIX) and value
    }


def from_flags(flags: Mapping[str, object]) -> dict[str, Given]:
    """The keys of flags, of those in ``FLAGS``; None: not given."""
    return {
        key: Given(value, Origin(Source.FLAG, FLAGS[key]))
        for key, value in flags.items()
        if value is not None
    }


def _flat(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Each key with its value: tables with values in them, lists and the parts of lists too."""
    if isinstance(value, dict) and (value or not key):
        for name, part in value.items():
            yield from _flat(part, f"{key}.{name}" if key else name)
        return
    yield key, value
    if isinstance(value, list):
        for place, part in enumerate(value):
            inner = f"{key}[{place}]"
            if isinstance(part, dict):
                yield inner, part
            yield from _flat(part, inner)
