"""Who is asking: a station by its token or its certificate; and how much it may ask.

Must not know what is asked. Tokens are never kept, only their digests: a token is random and
long, so a plain SHA-256 cannot be turned back. It is compared by digest, so the time that takes
says nothing about a token.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.clock import Clock
from gateway.core.bucket import Bucket
from gateway.core.masking import mask
from gateway.core.problems import ProblemType
from gateway.core.routes import matches
from gateway.intake.replies import Refused
from gateway.intake.tls import common_name

CHECK_SECONDS: Final = 1.0
USUAL_INFLIGHT: Final = 256
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_log = structlog.get_logger("gateway.intake")


class StationsFault(ValueError):
    """The tokens file cannot be used. The text says why, and holds no token."""


@dataclass(frozen=True, slots=True)
class Station:
    """A client, as far as it may go.

    Attributes:
        name: stands in receipts and logs.
        allow: globs of paths; empty: all.
        max_inflight: its own limit of requests in hand at once; None: the usual one.
        per_second: its own limit of requests per second; None: the usual one.
    """

    name: str
    allow: tuple[str, ...] = ()
    max_inflight: int | None = None
    per_second: float | None = None


ANONYMOUS = Station("anonymous")


@dataclass(frozen=True, slots=True)
class UsualLimits:
    """Those of a station that has none of its own.

    Attributes:
        max_inflight: requests of one station in hand at once.
        per_second: requests of one station per second; None: not limited.
    """

    max_inflight: int = USUAL_INFLIGHT
    per_second: float | None = None


NO_LIMITS_OF_ITS_OWN = UsualLimits()


def is_name(text: str) -> bool:
    """Whether it can be a station's name: it will stand in receipts and logs."""
    return _NAME.fullmatch(text) is not None and mask(text) == text


def hash_token(token: str) -> str:
    """What the tokens file keeps of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def parse_tokens(text: str) -> dict[str, Station]:
    """Stations by the digest of their token, those revoked left out.

    The file is ``{"stations": [{"name", "token_sha256", "revoked_at", "allow", "max_inflight",
    "per_second"}]}``; all but the first two may be missing.

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
    inflight, per_second = entry.get("max_inflight"), entry.get("per_second")
    if (
        not isinstance(entry["name"], str)
        or not isinstance(inflight, int | None)
        or not isinstance(per_second, int | float | None)
        or (per_second is not None and not 0 < per_second < math.inf)
    ):
        raise TypeError
    return Station(entry["name"], tuple(entry.get("allow", ())), inflight, per_second)


class Stations:
    """Tells stations by their tokens, or by the name in their certificate, or not at all."""

    def __init__(
        self,
        *,
        clock: Clock,
        tokens_file: Path | None = None,
        usual: UsualLimits = NO_LIMITS_OF_ITS_OWN,
    ) -> None:
        """Read the tokens.

        Args:
            clock: says when to look at the file again, and how often a station asks.
            tokens_file: None: no tokens; a station is who its certificate says, or anonymous.
            usual: limits of a station that has none of its own.

        Raises:
            StationsFault: the file is missing or cannot be read.
        """
        self._clock = clock
        self._file = tokens_file
        self._usual = usual
        self._by_digest: dict[str, Station] = {}
        self._in_hand: Counter[str] = Counter()
        self._buckets: dict[str, Bucket] = {}
        self._version: tuple[int, int, int] | None = None
        self._checked = clock.monotonic()
        self._broken = False
        if tokens_file is not None:
            try:
                self._read(tokens_file)
            except OSError as error:
                raise StationsFault(f"the tokens file cannot be read: {error.strerror}") from None

    @property
    def use_tokens(self) -> bool:
        """Whether ``Authorization`` is for the gateway, and so is not forwarded."""
        return self._file is not None

    def identify(
        self, *, authorizations: Sequence[str], certificate: Mapping[str, Any] | None
    ) -> Station:
        """The station that asks.

        Args:
            authorizations: all ``Authorization`` headers.
            certificate: its verified client certificate as ``getpeercert`` gives it, if any.

        Raises:
            Refused: ``unauthorized``: no token, an unknown one, or a revoked one; a certificate
                whose common name cannot be a station's.
        """
        if self._file is None:
            return _by_certificate(certificate) if certificate else ANONYMOUS
        self._read_again(self._file)
        scheme, _, token = authorizations[0].partition(" ") if authorizations else ("", "", "")
        digest = hash_token(token.strip())
        station = self._by_digest.get(digest)
        if len(authorizations) != 1 or scheme.lower() != "bearer" or station is None:
            raise Refused(ProblemType.UNAUTHORIZED)
        return station

    def enter(self, station: Station) -> None:
        """Take a request of a station in hand; follow with ``leave``.

        The anonymous are many, and nobody can tell them apart: no limit is theirs alone.

        Raises:
            Refused: ``too-many-requests``; then nothing was taken.
        """
        if station is ANONYMOUS:
            return
        most = station.max_inflight
        if self._in_hand[station.name] >= (self._usual.max_inflight if most is None else most):
            raise Refused(ProblemType.TOO_MANY_REQUESTS, retry_after=1)
        wait = self._ask_bucket(station)
        if wait > 0.0:
            raise Refused(ProblemType.TOO_MANY_REQUESTS, retry_after=math.ceil(wait))
        self._in_hand[station.name] += 1

    def leave(self, station: Station) -> None:
        """A request of a station is done."""
        if station is not ANONYMOUS:
            self._in_hand[station.name] -= 1
            if self._in_hand[station.name] <= 0:
                del self._in_hand[station.name]

    def _ask_bucket(self, station: Station) -> float:
        per_second = station.per_second or self._usual.per_second
        if per_second is None:
            return 0.0
        now = self._clock.monotonic()
        bucket = self._buckets.get(station.name)
        if bucket is None:
            bucket = self._buckets[station.name] = Bucket(per_second=per_second, now=now)
        return bucket.take(now=now)

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
        except (OSError, StationsFault) as fault:
            if not self._broken:
                reason = fault.strerror if isinstance(fault, OSError) else str(fault)
                _log.error("stations_file_not_taken", reason=reason)
            self._broken = True

    def _read(self, path: Path) -> None:
        found = path.stat()
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        if version != self._version:
            self._by_digest = parse_tokens(path.read_text("utf-8"))
            self._version = version
            self._buckets.clear()  # limits may be others now
        self._broken = False


def _by_certificate(certificate: Mapping[str, Any]) -> Station:
    name = common_name(certificate)
    if name is None or not is_name(name) or name == ANONYMOUS.name:
        raise Refused(ProblemType.UNAUTHORIZED, reason="certificate-name")
    return Station(name)


def may_use(station: Station, path: str) -> None:
    """Check that a path of the server is open to a station.

    Raises:
        Refused: ``forbidden``.
    """
    if station.allow and not any(matches(glob, path) for glob in station.allow):
        raise Refused(ProblemType.FORBIDDEN)
