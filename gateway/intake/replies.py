"""Answers to stations: the server's own, a receipt, or a problem.

Must not know how it came to one of them.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.helpers import (
    must_be_empty_body,
    rfc822_formatted_time,
    should_remove_content_length,
)
from aiohttp.web_response import REASON_PHRASES

from gateway.core import problems
from gateway.core.enrollment import Answer
from gateway.core.facts import RequestOutcome
from gateway.core.forwarding import PSEUDONYM, end_to_end, sendable
from gateway.core.problems import Language, ProblemType
from gateway.intake.request import Request

RECEIPTS = "/_gateway/receipts/"

# Below this, one more copy of a body costs less than sending it apart from its head.
LEAST_APART: Final = 16_384

# What may stand in no header: it could end its line (RFC 9110, section 5.5). As aiohttp has it.
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_RECEIPT: Final = frozenset({"gateway-receipt"})
_REPLAYED: Final = _RECEIPT | {"idempotency-replayed"}
_OF_JSON: Final = (
    f"Content-Type: application/json\r\nCache-Control: no-store\r\nServer: {PSEUDONYM}\r\n"
)


class Refused(Exception):
    """The station gets a problem, and nothing was accepted by this request.

    Args:
        problem: which one.
        reason: one fixed word that says what exactly is wrong.
        receipt: the id of the enrollment that it is about.
        retry_after: whole seconds.
        close: the connection cannot go on: what follows on it may not be a request.
    """

    def __init__(
        self,
        problem: ProblemType,
        *,
        reason: str | None = None,
        receipt: str | None = None,
        retry_after: int | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.reason = reason
        self.receipt = receipt
        self.retry_after = retry_after
        self.close = close


class AsGiven(web.StreamResponse):
    """An answer that is sent as it comes; aiohttp adds no ``Server`` and no ``Content-Type``.

    Attributes:
        outcome: how the request ended; None: not a station's request, not counted.
        problem: the problem type, if it is one.
    """

    outcome: RequestOutcome | None = None
    problem: ProblemType | None = None

    async def _prepare_headers(self) -> None:
        absent = [name for name in ("Server", "Content-Type") if name not in self._headers]
        await super()._prepare_headers()
        for name in absent:
            self._headers.popall(name, None)


class Reply:
    """A whole answer in memory: its framing is known, so nothing about it must be found out.

    Its head never becomes a mapping, which would be made only to be written.

    Attributes:
        status: of HTTP.
        lines: its header lines, each with its end, without those of its framing.
        body: all of it.
        outcome: how the request ended; None: not a station's request, not counted.
        dated: whether ``lines`` tells a ``Date``.
        problem: the problem type, if it is one.
        ends: whether the connection ends with it.
    """

    __slots__ = ("body", "dated", "ends", "lines", "outcome", "problem", "status")

    def __init__(
        self, status: int, lines: str, body: bytes, *, outcome: RequestOutcome | None, dated: bool
    ) -> None:
        self.status = status
        self.lines = lines
        self.body = body
        self.outcome = outcome
        self.dated = dated
        self.problem: ProblemType | None = None
        self.ends = False

    def force_close(self) -> None:
        """The connection ends with it."""
        self.ends = True

    def write(self, transport: asyncio.WriteTransport, request: Request) -> None:
        """Write head and body together, as the answer to a request."""
        status, body, (major, minor) = self.status, self.body, request.version
        framing = f"Content-Length: {len(body)}\r\n"
        if must_be_empty_body(request.method, status):
            body = b""
            if should_remove_content_length(request.method, status):
                framing = ""
        if not self.dated:
            framing = f"{framing}Date: {rfc822_formatted_time()}\r\n"
        # RFC 9112, section 9.3: a connection stays in 1.1 and ends in 1.0, unless told otherwise.
        if self.ends or not request.stays:
            framing += "Connection: close\r\n"
        elif not minor:
            framing += "Connection: keep-alive\r\n"
        line = f"HTTP/{major}.{minor} {status} {REASON_PHRASES.get(status, '')}"
        head = f"{line}\r\n{self.lines}{framing}\r\n".encode()
        if len(body) < LEAST_APART:
            transport.write(head + body)
        else:
            transport.writelines((head, body))


def lines_of(headers: Iterable[tuple[str, str]]) -> str:
    """Header lines, each with its end.

    Raises:
        ValueError: a name or a value could end its line, or is no text of a header.
    """
    pairs = tuple(headers)
    if _FORBIDDEN.search("".join([text for pair in pairs for text in pair])) is not None:
        raise ValueError("a control character in a header")
    return "".join([f"{name}: {value}\r\n" for name, value in pairs])


def reply(
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    outcome: RequestOutcome | None,
) -> Reply:
    """A whole answer of the gateway; its framing is made anew from ``body``."""
    return Reply(status, lines_of(headers), body, outcome=outcome, dated=False)


def answered(answer: Answer, receipt_id: str, *, replayed: bool) -> Reply:
    """The server's own answer, now or again."""
    own = {"Gateway-Receipt": receipt_id}
    if replayed:
        own["Idempotency-Replayed"] = "true"
    ours = _REPLAYED if replayed else _RECEIPT
    headers = (*sendable(end_to_end(answer.headers, without=ours)), *own.items())
    return Reply(
        answer.status,
        lines_of(headers),
        answer.body,
        outcome=RequestOutcome.REPLAYED if replayed else RequestOutcome.ANSWERED,
        dated="date" in [name.lower() for name, _ in headers],
    )


def accepted(
    document: bytes,
    *,
    receipt_id: str,
    retry_after: int,
    applied: str = "",
    replayed: bool = False,
) -> Reply:
    """202: the promise. ``applied``: the preferences that were granted."""
    if _FORBIDDEN.search(receipt_id + applied) is not None:
        raise ValueError("a control character in a header")
    granted = f"Preference-Applied: {applied}\r\n" if applied else ""
    lines = (
        f"Location: {RECEIPTS}{receipt_id}\r\nGateway-Receipt: {receipt_id}\r\n"
        f"Retry-After: {retry_after}\r\n{granted}{_OF_JSON}"
    )
    outcome = RequestOutcome.REPLAYED if replayed else RequestOutcome.ACCEPTED
    return Reply(202, lines, document, outcome=outcome, dated=False)


def json_reply(
    status: int,
    document: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    cache: str = "no-store",
) -> Reply:
    """A JSON document of the gateway itself, that is no station's enrollment."""
    own = {
        **(headers or {}),
        "Content-Type": "application/json",
        "Cache-Control": cache,
        "Server": PSEUDONYM,
    }
    return reply(status, own.items(), document, outcome=None)


def problem_reply(refused: Refused, language: Language) -> Reply:
    """The problem document (RFC 9457), in the station's language."""
    members = problems.document(
        refused.problem, language, reason=refused.reason, receipt=refused.receipt
    )
    status = problems.status_of(refused.problem)
    headers = {
        "Content-Type": problems.CONTENT_TYPE,
        "Content-Language": language.value,
        "Cache-Control": "no-store",
        "Server": PSEUDONYM,
    }
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if refused.problem is ProblemType.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Bearer realm="{PSEUDONYM}"'
    # A client's error will come again with the same request; the rest may pass.
    final = status < 500 and status != 429
    outcome = RequestOutcome.REJECTED if final else RequestOutcome.REFUSED
    made = reply(status, headers.items(), problems.encode(members), outcome=outcome)
    made.problem = refused.problem
    if refused.close:
        made.force_close()
    return made
