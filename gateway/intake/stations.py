"""Who is asking: a station by its token or its certificate; and how much it may ask at once.

Must not know what is asked. Tokens are never kept, only their digests: a token is random and
long, so a plain SHA-256 cannot be turned back. It is compared by digest, so the time that takes
says nothing about a token.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.core.problems import ProblemType
from gateway.core.routes import matches
from gateway.intake.replies import Refused

CHECK_SECONDS = 1.0
USUAL_LIMIT = 256


class StationsFault(Exception):
    """The tokens file cannot be used. The text says why, and holds no token."""


@dataclass(frozen=True, slots=True)
class Station:
    """A client, as far as it may go.

    Attributes:
        name: stands in receipts and logs.
        allow: globs of paths; empty: all.
        limit: requests in hand at once; None: no limit.
    """

    name: str
    allow: tuple[str, ...] = ()
    limit: int | None = None


ANONYMOUS = Station("anonymous")


def hash_token(token: str) -> str:
    """What the tokens file keeps of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def parse_tokens(text: str) -> dict[str, Station]:
    """Stations by the digest of their token, those revoked left out.

    The file is ``{"stations": [{"name", "token_sha256", "revoked_at", "allow", "limit"}]}``; the
    last three may be missing.

    Raises:
        StationsFault: it is not so.
    """
    try:
        entries = json.loads(text)["stations"]
        return {
            entry["token_sha256"].lower(): _station(entry)
            for entry in entries
            if not entry.get("revoked_at")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StationsFault(
            'the tokens file must hold {"stations": [{"name": …, "token_sha256": …}]}; '
            "write it with `enrollment-gateway stations add NAME`"
        ) from None


def _station(entry: dict[str, Any]) -> Station:
    limit = entry.get("limit", USUAL_LIMIT)
    if not isinstance(entry["name"], str) or not isinstance(limit, int):
        raise TypeError
    return Station(entry["name"], tuple(entry.get("allow", ())), limit)


class Stations:
    """Tells stations by their tokens, or by the name in their certificate, or not at all."""

    def __init__(self, *, clock: Clock, tokens_file: Path | None = None) -> None:
        """Read the tokens.

        Args:
            clock: says when to look at the file again.
            tokens_file: None: no tokens; a station is who its certificate says, or anonymous.

        Raises:
            StationsFault: the file is missing or cannot be read.
        """
        self._clock = clock
        self._file = tokens_file
        self._by_digest: dict[str, Station] = {}
        self._in_hand: Counter[str] = Counter()
        self._version: tuple[int, int, int] | None = None
        self._checked = clock.monotonic()
        if tokens_file is not None:
            try:
                self._read(tokens_file)
            except OSError as error:
                raise StationsFault(f"the tokens file cannot be read: {error.strerror}") from None

    @property
    def use_tokens(self) -> bool:
        """Whether ``Authorization`` is for the gateway, and so is not forwarded."""
        return self._file is not None

    def identify(self, *, authorizations: Sequence[str], certificate: str | None) -> Station:
        """The station that asks.

        Args:
            authorizations: all ``Authorization`` headers.
            certificate: the common name of its verified client certificate, if it has one.

        Raises:
            Refused: ``unauthorized``: no token, an unknown one, or a revoked one.
        """
        if self._file is None:
            return ANONYMOUS if certificate is None else Station(certificate, limit=USUAL_LIMIT)
        self._read_again(self._file)
        scheme, _, token = authorizations[0].partition(" ") if authorizations else ("", "", "")
        digest = hash_token(token.strip())
        station = self._by_digest.get(digest)
        if len(authorizations) != 1 or scheme.lower() != "bearer" or station is None:
            raise Refused(ProblemType.UNAUTHORIZED)
        return station

    def enter(self, station: Station, path: str) -> None:
        """Take a request of a station in hand; follow with ``leave``.

        Raises:
            Refused: ``forbidden`` or ``too-many-requests``; then nothing was taken.
        """
        if station.allow and not any(matches(glob, path) for glob in station.allow):
            raise Refused(ProblemType.FORBIDDEN)
        if station.limit is not None:
            if self._in_hand[station.name] >= station.limit:
                raise Refused(ProblemType.TOO_MANY_REQUESTS, retry_after=1)
            self._in_hand[station.name] += 1

    def leave(self, station: Station) -> None:
        """A request of a station is done."""
        if station.limit is not None:
            self._in_hand[station.name] -= 1
            if self._in_hand[station.name] <= 0:
                del self._in_hand[station.name]

    def _read_again(self, path: Path) -> None:
        """Look once a second whether the file changed: a revoked token must not wait for a restart.

        A file that is missing or broken changes nothing: stations that were known stay known.
        """
        now = self._clock.monotonic()
        if now - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        try:
            self._read(path)
        except (OSError, StationsFault):
            return

    def _read(self, path: Path) -> None:
        found = path.stat()
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        if version != self._version:
            self._by_digest = parse_tokens(path.read_text("utf-8"))
            self._version = version
