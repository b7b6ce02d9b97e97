"""The gateway's own paths: receipts by id or key, the keys that check them, what a problem means.

Must not change anything: every answer here is read from the journal.
"""

import json
from urllib.parse import parse_qsl

from gateway.core.admission import poll_after
from gateway.core.facts import EnrollmentSettled
from gateway.core.forwarding import OWN_PATHS, PSEUDONYM
from gateway.core.idempotency import KeyInvalid, parse_key
from gateway.core.lifecycle import UNDELIVERED
from gateway.core.preferences import parse_prefer
from gateway.core.problems import DESCRIPTIONS, PAGES, Language, ProblemType
from gateway.intake.connection import StationConnection
from gateway.intake.enrolling import UNAVAILABLE_PASSES_AFTER
from gateway.intake.head import Head
from gateway.intake.ports import Delivery
from gateway.intake.receipts import Receipts, Standing
from gateway.intake.replies import RECEIPTS, Refused, Reply, json_reply, reply
from gateway.intake.waiters import Waiters
from gateway.journal.contract import Journal, JournalFault, Kept
from gateway.journal.sealing import Sealer

JWKS = OWN_PATHS + "jwks.json"
BY_KEY = OWN_PATHS + "receipts"
LONGEST_POLL = 60


class ReceiptResource:
    """Answers what a station may ask about its own enrollments."""

    def __init__(
        self,
        *,
        journal: Journal,
        sealer: Sealer,
        delivery: Delivery,
        receipts: Receipts,
        waiters: Waiters,
    ) -> None:
        self._journal = journal
        self._sealer = sealer
        self._delivery = delivery
        self._receipts = receipts
        self._waiters = waiters

    def public(self, path: str, language: Language) -> Reply | None:
        """What needs no station: the keys, and the meaning of problems. None: not such a path."""
        if path == JWKS:
            return json_reply(200, json.dumps(self._receipts.jwks()).encode(), cache="max-age=300")
        if path.startswith(PAGES):
            return _explain(path.removeprefix(PAGES), language)
        return None

    async def receipt(
        self, head: Head, target: str, *, station: str, connection: StationConnection
    ) -> Reply:
        """The receipt at ``target``, if it is this station's.

        Raises:
            Refused: ``not-found``, ``bad-request``, ``idempotency-key-invalid`` or
                ``journal-unavailable``.
        """
        try:
            kept = await self._find(target, station)
            if kept is None or kept.life.station != station:
                raise Refused(ProblemType.NOT_FOUND)
            wait = min(parse_prefer(head.said.get("prefer", ())).wait or 0, LONGEST_POLL)
            end = None
            if wait and kept.life.status in UNDELIVERED:
                end, kept = await self._wait(kept, wait, connection)
            standing = Standing.found(kept, self._sealer)
        except JournalFault:
            raise Refused(
                ProblemType.JOURNAL_UNAVAILABLE, retry_after=UNAVAILABLE_PASSES_AFTER
            ) from None
        return self._show(standing if end is None else standing.settled(end), wait)

    async def _find(self, target: str, station: str) -> Kept | None:
        path, _, query = target.partition("?")
        if path.startswith(RECEIPTS):
            return await self._journal.find(path.removeprefix(RECEIPTS))
        if path != BY_KEY:
            return None
        keys = [value for name, value in parse_qsl(query) if name == "idempotency_key"]
        if len(keys) != 1:
            raise Refused(ProblemType.BAD_REQUEST, reason="idempotency_key")
        try:
            key = parse_key(keys[0])
        except KeyInvalid:
            raise Refused(ProblemType.IDEMPOTENCY_KEY_INVALID) from None
        return await self._journal.find_identity(self._sealer.identity(station, key))

    async def _wait(
        self, kept: Kept, seconds: int, connection: StationConnection
    ) -> tuple[EnrollmentSettled | None, Kept]:
        """Wait for its end. It is read again: it may have ended before anyone listened."""
        receipt_id = kept.life.id
        waiting = self._waiters.expect(receipt_id, live=False)
        try:
            kept = await self._journal.find(receipt_id) or kept
            if kept.life.status not in UNDELIVERED:
                return None, kept
            end = await self._waiters.wait(
                receipt_id, waiting, seconds=seconds, connection=connection
            )
        finally:
            self._waiters.forget(receipt_id, waiting)
        return end, await self._journal.find(receipt_id) or kept

    def _show(self, standing: Standing, waited: int) -> Reply:
        headers = {"Vary": "Authorization, Prefer"}
        outlook = self._delivery.outlook()
        if waited:
            headers["Preference-Applied"] = f"wait={waited}"
        if standing.status in UNDELIVERED:
            headers["Retry-After"] = str(poll_after(outlook))
        document = self._receipts.document(standing, drain=outlook.drain_seconds)
        return json_reply(200, document, headers)


def _explain(name: str, language: Language) -> Reply:
    """What a problem means, for the person who follows its ``type``."""
    try:
        description = DESCRIPTIONS[ProblemType(name)]
    except ValueError:
        raise Refused(ProblemType.NOT_FOUND) from None
    text = description.text(language)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Language": language.value,
        "Server": PSEUDONYM,
    }
    page = f"{description.status} {text.title}\n\n{text.detail}\n"
    return reply(200, headers.items(), page.encode(), outcome=None)
