"""Answers to stations: the server's own, a receipt, or a problem.

Must not know how it came to one of them.
"""

import json
from collections.abc import Iterable, Mapping

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import (
    must_be_empty_body,
    rfc822_formatted_time,
    should_remove_content_length,
)
from multidict import CIMultiDict

from gateway.core import problems
from gateway.core.enrollment import Answer
from gateway.core.facts import RequestOutcome
from gateway.core.forwarding import PSEUDONYM, end_to_end, sendable
from gateway.core.problems import Language, ProblemType

RECEIPTS = "/_gateway/receipts/"


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
    """A response to which aiohttp adds no ``Server`` and no ``Content-Type`` of its own.

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


class Reply(AsGiven):
    """A whole answer in memory: its framing is known, so nothing about it must be found out.

    Attributes:
        body: all of it.
    """

    def __init__(self, status: int, headers: CIMultiDict[str], body: bytes) -> None:
        super().__init__(status=status, headers=headers)
        self.body = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Make the head; it is sent together with the body."""
        headers, version = self._headers, request.version
        if not should_remove_content_length(request.method, self.status):
            headers["Content-Length"] = str(len(self.body))
        if "Date" not in headers:
            headers["Date"] = rfc822_formatted_time()
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        if not self._keep_alive:
            headers["Connection"] = "close"
        elif version == HttpVersion10:
            headers["Connection"] = "keep-alive"
        self._payload_writer = writer = request.writer
        status_line = f"HTTP/{version.major}.{version.minor} {self.status} {self.reason}"
        await writer.write_headers(status_line, headers)
        self._must_be_empty_body = must_be_empty_body(request.method, self.status)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send it."""
        del data
        await super().write_eof(b"" if self._must_be_empty_body else self.body)


def reply(
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    outcome: RequestOutcome | None,
) -> Reply:
    """A whole answer; its framing is made anew from ``body``."""
    made = Reply(status, CIMultiDict(headers), body)
    made.outcome = outcome
    return made


def answered(answer: Answer, receipt_id: str, *, replayed: bool) -> Reply:
    """The server's own answer, now or again."""
    headers = CIMultiDict(sendable(end_to_end(answer.headers)))
    headers["Gateway-Receipt"] = receipt_id
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    outcome = RequestOutcome.REPLAYED if replayed else RequestOutcome.ANSWERED
    return reply(answer.status, headers.items(), answer.body, outcome=outcome)


def accepted(
    document: Mapping[str, object],
    *,
    receipt_id: str,
    retry_after: int,
    applied: str = "",
    replayed: bool = False,
) -> Reply:
    """202: the promise. ``applied``: the preferences that were granted."""
    headers = {
        "Location": RECEIPTS + receipt_id,
        "Gateway-Receipt": receipt_id,
        "Retry-After": str(retry_after),
    }
    if applied:
        headers["Preference-Applied"] = applied
    outcome = RequestOutcome.REPLAYED if replayed else RequestOutcome.ACCEPTED
    return json_reply(202, document, headers, outcome=outcome)


def json_reply(
    status: int,
    document: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    outcome: RequestOutcome | None = None,
    cache: str = "no-store",
) -> Reply:
    """A JSON document of the gateway itself."""
    own = {
        **(headers or {}),
        "Content-Type": "application/json",
        "Cache-Control": cache,
        "Server": PSEUDONYM,
    }
    # With spaces: people read it, and scripts of theirs look for what they saw.
    return reply(status, own.items(), json.dumps(document).encode(), outcome=outcome)


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
