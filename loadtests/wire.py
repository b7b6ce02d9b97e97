"""A desk's requests on the wire, and what their answers mean to it.

Decides nothing. Uses the pool of connections of Locust's fast user without the session around it,
which costs as much again: the load must not be the limit.
"""

import json
import time
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from typing import Any

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPSocketPoolResponse
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from loadtests.schedule import Enrollment
from loadtests.stations import Answer, Decision
from loadtests.uplink import Uplink

RECEIPT_WAIT_SECONDS = 10


class Wire:
    """A courier over HTTP.

    `report` is Locust's request event. A desk that is not `keyed` sends no key and asks for
    nothing, as in 2017; `X-Enrollment` tells the simulated server's ledger which one it was.
    Packets go over `uplink`, where the line is thin.
    """

    def __init__(
        self,
        http: HTTPClient,
        report: Callable[..., None],
        *,
        keyed: bool,
        uplink: Uplink | None = None,
    ) -> None:
        self._http = http
        self._report = report
        self._keyed = keyed
        self._uplink = uplink
        self._token: str | None = None

    def say_who(self, token: str) -> None:
        """From now on every request says which station it is from."""
        self._token = token

    def send(self, enrollment: Enrollment, body: bytes) -> Answer:
        """One try to record. Always POST: the client below repeats a PUT by itself."""
        headers = {"Content-Type": "application/octet-stream", "X-Enrollment": enrollment.key}
        if self._keyed:
            headers["Idempotency-Key"] = enrollment.key
            if enrollment.asynchronous:
                headers["Prefer"] = "respond-async"
        if enrollment.ordering_key is not None:
            headers["Ordering-Key"] = enrollment.ordering_key
        if self._uplink is None:
            return self._answer("POST", "/enrollments", "/enrollments", headers, body)
        headers["Content-Length"] = str(len(body))
        with self._uplink.line:
            parts = self._uplink.parts(body)
            return self._answer("POST", "/enrollments", "/enrollments", headers, parts)

    def ask(self, location: str) -> Answer:
        """One question about a receipt, held open while nothing changes."""
        headers = {"Prefer": f"wait={RECEIPT_WAIT_SECONDS}"}
        return self._answer("GET", location, "/_gateway/receipts/<id>", headers)

    def told(self, enrollment: Enrollment, decision: Decision) -> None:
        """Show in Locust's own statistics how long the citizen waited, from the due time."""
        if decision.told in {"accepted", "delivered"}:
            self._report(
                request_type="due \N{RIGHTWARDS ARROW}",
                name=decision.told,
                response_time=(time.time() - enrollment.due) * 1000,
                response_length=0,
                exception=None,
                context={},
            )

    def _answer(
        self,
        method: str,
        path: str,
        name: str,
        headers: dict[str, str],
        body: bytes | Iterable[bytes] = b"",
    ) -> Answer:
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        started = time.perf_counter()
        size = 0
        try:
            response = self._http.request(method, path, body, headers)
            content = response.read()
            size = len(content)
            answer = read_answer(response, content)
        except FAILURE_EXCEPTIONS as wrong:
            answer = Answer(0, error=type(wrong).__name__)
        failed = answer.status == 0 or answer.status >= 400
        self._report(
            request_type=method,
            name=name,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=size,
            exception=RuntimeError(answer.error or f"status {answer.status}") if failed else None,
            context={},
        )
        return answer


def read_answer(response: HTTPSocketPoolResponse, content: bytes) -> Answer:
    """What an answer, read whole, means to a station; a receipt is looked into."""
    status = response.status_code
    location = _field(response, "location")
    receipt = _field(response, "gateway-receipt")
    if location is not None and receipt is None:
        receipt = location.rpartition("/")[2]
    known = _receipt(content) if status == 200 and response.method == "GET" else {}
    final = known.get("response") or {}
    return Answer(
        status=status,
        retry_after=_seconds(_field(response, "retry-after")),
        receipt=known.get("id", receipt),
        location=location,
        replayed=_field(response, "idempotency-replayed") == "true",
        receipt_status=known.get("status"),
        recorded_status=final.get("status"),
    )


def _field(response: HTTPSocketPoolResponse, name: str) -> str | None:
    value = response.get(name)
    return value[0] if isinstance(value, list) else value


def _receipt(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After: a number or a date (RFC 9110, 10.2.3); nonsense is none."""
    if retry_after is None:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return None
