"""Pass on what is not kept: reads, and routes in mode ``relay``. Streams the server's answer.

Must not know the journal. Only requests that change nothing are asked again.
"""

import asyncio
from collections.abc import Callable

import aiohttp
from multidict import CIMultiDict
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    retry_if_result,
    stop_before_delay,
    wait_random_exponential,
)
from yarl import URL

from gateway.core.admission import Outlook, poll_after
from gateway.core.enrollment import Headers
from gateway.core.facts import RequestOutcome, UpstreamState
from gateway.core.forwarding import NOT_ADDED, end_to_end, sendable, with_credential
from gateway.core.problems import ProblemType
from gateway.core.routes import SAFE
from gateway.intake.connection import StationConnection
from gateway.intake.ports import Delivery
from gateway.intake.replies import AsGiven, Refused
from gateway.intake.request import Request

_MAY_PASS = frozenset({502, 503, 504})
_NOTHING_MORE: frozenset[str] = frozenset()
RETRY_FIRST, RETRY_MOST = 0.1, 2.0


def _no_credential() -> str | None:
    return None


class Relay:
    """Carries requests to the upstream and its answers back, keeping nothing."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        upstream_url: str,
        delivery: Delivery,
        authorization: Callable[[], str | None] = _no_credential,
    ) -> None:
        """Wire it up.

        Args:
            session: made and closed by the wiring, with its time limits; it must keep no cookies.
            upstream_url: base URL; path and query are appended as received.
            delivery: says whether the upstream is known to be down.
            authorization: the gateway's own credential, or None: the station's is passed on.
        """
        self._session = session
        self._base = upstream_url.rstrip("/")
        self._delivery = delivery
        self._authorization = authorization

    async def relay(
        self,
        request: Request,
        target: str,
        headers: Headers,
        body: bytes | bytearray,
        *,
        hold_seconds: float,
        connection: StationConnection,
    ) -> AsGiven:
        """The server's answer, sent on as it comes.

        Args:
            request: the station's.
            target: path and query, found safe.
            headers: those that go on.
            body: as received.
            hold_seconds: for how long a request that changes nothing is tried again.
            connection: when it is lost, the rest is not worth asking for.

        Raises:
            Refused: ``upstream-unavailable``.
        """
        outlook = self._delivery.outlook()
        if _is_down(outlook):
            raise Refused(ProblemType.UPSTREAM_UNAVAILABLE, retry_after=_wait(outlook))
        task = asyncio.current_task()
        connection.on_lost = task.cancel if task is not None else None
        try:
            answer = await self._ask(request.method, target, headers, body, hold_seconds)
            async with answer:
                return await _pass_on(request, connection, answer)
        except (aiohttp.ClientError, TimeoutError):
            raise Refused(
                ProblemType.UPSTREAM_UNAVAILABLE, retry_after=_wait(self._delivery.outlook())
            ) from None
        finally:
            connection.on_lost = None

    async def _ask(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: bytes | bytearray,
        hold_seconds: float,
    ) -> aiohttp.ClientResponse:
        async def once() -> aiohttp.ClientResponse:
            return await self._session.request(
                method,
                _url(self._base, target),
                headers=CIMultiDict(with_credential(headers, self._authorization())),
                skip_auto_headers=NOT_ADDED,
                data=body or None,
                allow_redirects=False,
                auto_decompress=False,
            )

        if method not in SAFE:
            return await once()
        return await AsyncRetrying(
            retry=retry_if_exception_type((aiohttp.ClientConnectionError, TimeoutError))
            | retry_if_result(_is_unavailable),
            wait=wait_random_exponential(multiplier=RETRY_FIRST, max=RETRY_MOST),
            stop=stop_before_delay(hold_seconds),
            before_sleep=_let_go,
            retry_error_callback=_last,
        )(once)


def _url(base: str, target: str) -> URL:
    """Where a target is, to the byte. An empty query's mark is kept as the end of the path."""
    url = URL(base + target, encoded=True)
    _, mark, query = target.partition("?")
    return url.with_path(f"{url.raw_path}?", encoded=True) if mark and not query else url


async def _pass_on(
    request: Request, connection: StationConnection, answer: aiohttp.ClientResponse
) -> AsGiven:
    received = tuple(answer.headers.items())
    headers = CIMultiDict(sendable(end_to_end(received, without=_NOTHING_MORE)))
    # The body is passed on as it is, so its length holds, that of an answer to HEAD included.
    if "Content-Length" in answer.headers:
        headers["Content-Length"] = answer.headers["Content-Length"]
    response = AsGiven(status=answer.status, reason=answer.reason, headers=headers)
    response.outcome = RequestOutcome.RELAYED
    await response.prepare(request.streamed(connection, asyncio.get_running_loop()))
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError):
        # Its end must be seen as missing: half an answer must not pass for a whole one.
        raise ConnectionError("the server's answer broke off") from None
    await response.write_eof()
    return response


def _is_down(outlook: Outlook) -> bool:
    """Whether the upstream is known to be down.

    While open, an enrollment that waits finds out whether it is back; with none waiting, only a
    read can.
    """
    if outlook.state is UpstreamState.OPEN:
        return outlook.waiting > 0 or outlook.outstanding > 0
    return not outlook.reachable


def _wait(outlook: Outlook) -> int:
    return poll_after(outlook)


def _is_unavailable(answer: aiohttp.ClientResponse) -> bool:
    return answer.status in _MAY_PASS


def _let_go(state: RetryCallState) -> None:
    if state.outcome is not None and not state.outcome.failed:
        state.outcome.result().release()


def _last(state: RetryCallState) -> aiohttp.ClientResponse:
    """Time is up: the server's last answer, or its last failure."""
    if state.outcome is None:
        raise TimeoutError
    answer: aiohttp.ClientResponse = state.outcome.result()
    return answer
