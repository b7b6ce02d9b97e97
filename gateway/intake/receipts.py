"""The receipt of an enrollment: the document that a station sees, with the signed promise in it.

Must not know HTTP. Everything in it can be made again from the journal at any time.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.facts import EnrollmentSettled
from gateway.core.forwarding import PSEUDONYM
from gateway.core.lifecycle import FINAL, UNDELIVERED, Status
from gateway.core.moments import iso
from gateway.core.record import dataclass
from gateway.intake.signing import ReceiptKeys
from gateway.journal.contract import Journal, Kept
from gateway.journal.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Standing:
    """What a receipt tells about an enrollment.

    Attributes:
        next_attempt_at: wall seconds, or None.
        answer: the server's, once there is one.
    """

    id: str
    station: str
    status: Status
    accepted_at: float
    attempts: int
    next_attempt_at: float | None
    content_sha256: str
    answer: Answer | None = None

    @classmethod
    def new(cls, enrollment: Enrollment, status: Status) -> "Standing":
        """Of an enrollment that was accepted this moment."""
        sending = status is Status.SENDING
        # What stands behind another in its order is not due, whenever it came.
        due = None if sending or enrollment.ordering_key is not None else enrollment.accepted_at
        return cls(
            id=enrollment.id,
            station=enrollment.station,
            status=status,
            accepted_at=enrollment.accepted_at,
            attempts=int(sending),
            next_attempt_at=due,
            content_sha256=enrollment.content_sha256,
        )

    @classmethod
    def found(cls, kept: Kept, sealer: Sealer) -> "Standing":
        """Of an enrollment found in the journal.

        Raises:
            JournalFault: it does not open.
        """
        life = kept.life
        return cls(
            id=life.id,
            station=life.station,
            status=life.status,
            accepted_at=life.accepted_at,
            attempts=life.attempts,
            next_attempt_at=life.next_attempt_at,
            content_sha256=sealer.envelope(kept).content_sha256,
            answer=sealer.open_answer(kept),
        )

    def settled(self, fact: EnrollmentSettled) -> "Standing":
        """The same, after a fact that the journal may not show yet."""
        return replace(
            self,
            status=fact.status,
            answer=fact.answer or self.answer,
            next_attempt_at=fact.next_attempt_at,
        )


class Receipts:
    """Writes receipts in the name of one gateway."""

    def __init__(
        self,
        keys: ReceiptKeys,
        *,
        journal: Journal,
        clock: Clock,
        issuer: str = PSEUDONYM,
    ) -> None:
        """Wire it up.

        Args:
            keys: sign receipts.
            journal: says how durable a promise is.
            clock: the wall clock.
            issuer: ``iss`` of the receipts.
        """
        self._keys = keys
        self._journal = journal
        self._clock = clock
        self._issuer = issuer

    def jwks(self) -> Mapping[str, Any]:
        """The public keys that check receipts."""
        return self._keys.jwks()

    def document(self, standing: Standing, *, drain: float | None) -> bytes:
        """The receipt of section 4 of the public interface, as JSON.

        With spaces: people read it, and scripts of theirs look for what they saw. It is written
        here, because nothing in it but the response can need an escape: ids, digests, moments.

        Args:
            standing: of the enrollment.
            drain: seconds until it is delivered, if it is not yet; None: nothing is known.
        """
        accepted_at, response = iso(standing.accepted_at), "null"
        next_at, delivered_at = standing.next_attempt_at, None
        if drain is not None and standing.status in UNDELIVERED:
            delivered_at = self._clock.now() + drain
        due = f'"{accepted_at}"' if next_at == standing.accepted_at else _time(next_at)
        if standing.answer is not None and standing.status in FINAL:
            response = json.dumps(_response(standing.answer))
        return (
            f'{{"id": "{standing.id}", "status": "{standing.status}", '
            f'"accepted_at": "{accepted_at}", "attempts": {standing.attempts}, '
            f'"next_attempt_at": {due}, '
            f'"estimated_delivery_at": {_time(delivered_at)}, '
            f'"content_sha256": "{standing.content_sha256}", '
            f'"durability": "{self._journal.durability}", '
            f'"receipt": "{self._token(standing)}", "response": {response}}}'
        ).encode()

    def _token(self, standing: Standing) -> str:
        return self._keys.sign(
            {
                "jti": standing.id,
                "iat": int(standing.accepted_at),
                "iss": self._issuer,
                "sub": standing.station,
                "content_sha256": standing.content_sha256,
                "durability": self._journal.durability,
            }
        )


def _time(wall: float | None) -> str:
    """As JSON."""
    return "null" if wall is None else f'"{iso(wall)}"'


def _response(answer: Answer) -> dict[str, object]:
    return {
        "status": answer.status,
        "headers": _joined(answer.headers),
        "body_base64": base64.b64encode(answer.body).decode("ascii"),
    }


def _joined(headers: Headers) -> dict[str, str]:
    """One value for each name: several lines of one field are a list (RFC 9110, section 5.3)."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
