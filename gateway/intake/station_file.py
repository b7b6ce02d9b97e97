"""The file with the stations' tokens, as operators change it; ``stations`` reads it for intake.

Must not know a token after it was shown: the file keeps its SHA-256. A slow password hash would
buy nothing: it protects guessable secrets, and nobody guesses 256 random bits.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from gateway.core.moments import iso
from gateway.files import replace_file
from gateway.intake.stations import StationsFault, hash_token, is_name, parse_tokens

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StationEntry:
    """One line of the file. Times are RFC 3339; ``revoked_at`` None: the token is good.

    ``created_by`` and ``revoked_by``: who did it, for the audit; None: not told.

    ``max_inflight`` and ``per_second`` None: the usual limits, those of the configuration.
    """

    name: str
    token_sha256: str
    created_at: str | None = None
    revoked_at: str | None = None
    allow: tuple[str, ...] = ()
    max_inflight: int | None = None
    per_second: float | None = None
    created_by: str | None = None
    revoked_by: str | None = None


def entries(path: Path) -> list[StationEntry]:
    """All stations ever added, those revoked among them; none when there is no file yet.

    Raises:
        StationsFault: the file cannot be read, or holds something else.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StationsFault(f"{path} cannot be read: {error.strerror}") from None
    parse_tokens(text)
    names = StationEntry.__dataclass_fields__
    listed: list[dict[str, Any]] = json.loads(text)["stations"]
    return [
        StationEntry(**{name: value for name, value in each.items() if name in names})
        for each in listed
    ]


def add(
    path: Path,
    name: str,
    *,
    allow: tuple[str, ...] = (),
    max_inflight: int | None = None,
    per_second: float | None = None,
    by: str | None = None,
    now: float,
) -> str:
    """Add a station and return its token, which nobody can find out again.

    Args:
        path: the tokens file, made if it is not there.
        name: letters, digits, ``.``, ``_`` and ``-``; stands in receipts and logs.
        allow: globs of the paths it may use; none: all.
        max_inflight: requests in hand at once; None: as usual.
        per_second: requests per second; None: as usual.
        by: who does it.
        now: wall seconds.

    Raises:
        StationsFault: the name cannot be used or is taken, or the file cannot be written.
    """
    if not is_name(name):
        raise StationsFault(
            "a station's name has 1 to 64 letters, digits, dots, dashes or underscores, "
            "and no number of 16 digits"
        )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with _changing(path) as listed:
        if any(each.name == name and each.revoked_at is None for each in listed):
            raise StationsFault(
                f"there is a station {name} already; revoke it first for a new token"
            )
        made = StationEntry(
            name, hash_token(token), iso(now), None, allow, max_inflight, per_second, by
        )
        listed.append(made)
    return token


def revoke(path: Path, name: str, *, by: str | None = None, now: float) -> None:
    """Make a station's token worthless.

    Raises:
        StationsFault: no such station has a good token, or the file cannot be written.
    """
    with _changing(path) as listed:
        for place, each in enumerate(listed):
            if each.name == name and each.revoked_at is None:
                listed[place] = replace(each, revoked_at=iso(now), revoked_by=by)
                return
        raise StationsFault("no station of this name has a token; see `stations list`")


@contextmanager
def _changing(path: Path) -> Iterator[list[StationEntry]]:
    """The entries to change in place; written when the block ends well. One change at a time."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StationsFault(f"{path.parent} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        listed = entries(path)
        yield listed
        rows = [
            {key: value for key, value in asdict(each).items() if value is not None}
            for each in listed
        ]
        replace_file(path, json.dumps({"stations": rows}, indent=2) + "\n")
    except OSError as error:
        raise StationsFault(f"{path} cannot be written: {error.strerror}") from None
    finally:
        os.close(directory)
