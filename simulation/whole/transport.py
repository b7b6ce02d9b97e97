"""The gateway's way to the simulated server, and what no attempt may ever do.

Checks at each first byte: the intent is durable, nothing before it with its ordering key is open,
and an enrollment that may be recorded is not sent again blindly.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.clock import SystemClock
from gateway.core.decide import DeliveryPolicy
from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.lifecycle import Status
from gateway.core.outcome import Broken, Credential, Exchange, NotConnected
from loadtests.server.exchange import Reply, Request
from simulation.whole.account import Account
from simulation.whole.journal import WatchedJournal
from simulation.whole.server_shell import Lost, ServerShell

_INTENT_HOLDS = 5.0  # seconds: the server's time to settle counts from the intent


@dataclass
class Doubts:
    """Which enrollments may be recorded without anybody knowing: over all runs of the gateway.

    After a jump of the wall clock the gateway's own runs up to a tenth faster for a while.

    ``sent``: when the last attempt of each began, and how many there were.
    """

    policy: DeliveryPolicy
    open: set[str] = field(default_factory=set)
    sent_at: dict[str, float] = field(default_factory=dict)
    sends: dict[str, int] = field(default_factory=dict)

    def looked_up(self, key: str, status: int, *, now: float) -> None:
        """A lookup was answered; "not there" counts only once the server has settled."""
        since = self.sent_at.get(key, now) - _INTENT_HOLDS
        settled = now >= since + self.policy.settle_seconds / (1 + SystemClock.SLEW)
        if status == 404 and settled:
            self.open.discard(key)


@dataclass
class SimulatedTransport:
    """See ``gateway.delivery.transport.Transport``. Of one run of the gateway.

    Attributes:
        odd: answers that some keys get from whoever is asked.
        left: told when a request has left.
        complain: told what is wrong.
    """

    shell: ServerShell
    journal: WatchedJournal
    account: Account
    doubts: Doubts
    timeout: float
    odd: Callable[[str], int | None]
    left: Callable[[], None]
    complain: Callable[[str], None]

    def credential(self, enrollment: Enrollment) -> Credential:  # noqa: ARG002 - the protocol's
        """The gateway's own, always."""
        return Credential.GATEWAY

    async def send(self, enrollment: Enrollment, headers: Headers) -> Exchange:  # noqa: ARG002 - the protocol's
        """One attempt."""
        self._check(enrollment)
        key, doubts = enrollment.key, self.doubts
        doubts.open.add(key)
        doubts.sent_at[key] = self.account.time()
        doubts.sends[key] = doubts.sends.get(key, 0) + 1
        if self.shell.unauthorized():
            exchange: Exchange = Answer(401, (), b"")
        elif (status := self.odd(key)) is not None:
            await asyncio.sleep(0.01)
            exchange = Answer(status, (), b"")
        else:
            try:
                exchange = await self._exchange(enrollment)
            except asyncio.CancelledError:
                self.account.broken.add(enrollment.id)  # given up
                raise
        if isinstance(exchange, Broken):
            self.account.broken.add(enrollment.id)
        elif isinstance(exchange, NotConnected) or exchange.status not in {500, 502, 504}:
            doubts.open.discard(key)
        return exchange

    async def look_up(self, key: str, headers: Headers) -> Exchange:  # noqa: ARG002 - the protocol's
        """Ask whether a key is recorded."""
        if self.shell.unauthorized():
            return Answer(401, (), b"")
        try:
            async with asyncio.timeout(self.timeout):
                status = await self.shell.look_up(key)
        except TimeoutError:
            return Broken("timeout")
        except Lost as lost:
            return Broken(lost.cause) if lost.connected else NotConnected(lost.cause)
        self.doubts.looked_up(key, status, now=self.account.time())
        return Answer(status, (), b"{}")

    async def _exchange(self, enrollment: Enrollment) -> Exchange:
        try:
            async with asyncio.timeout(self.timeout):
                return _answer(await self.shell.record(_request(enrollment), self.left))
        except TimeoutError:
            return Broken("timeout")
        except Lost as lost:
            return Broken(lost.cause) if lost.connected else NotConnected(lost.cause)

    def _check(self, enrollment: Enrollment) -> None:
        key, name = enrollment.key, enrollment.id
        if name not in self.account.held:
            self.complain(f"{key} is sent without a slot")
        life = self.journal.durable(name)
        if life is None or life.status is not Status.SENDING:
            stands = "nothing" if life is None else life.status.value
            self.complain(f"{key} is sent, and its intent is not durable: {stands}")
        elif life.attempts <= self.doubts.sends.get(key, 0):
            self.complain(f"{key} is sent more often than attempts were begun")
        elif not self.journal.is_its_turn(name):
            self.complain(f"{key} is sent before one that came earlier with its ordering key")
        if key in self.doubts.open and not self.doubts.policy.honours_key:
            self.complain(f"{key} may be recorded, and is sent again blindly")


def _request(enrollment: Enrollment) -> Request:
    headers, body = dict(enrollment.headers), enrollment.body or b""
    return Request(
        key=headers["Idempotency-Key"],
        enrollment=headers["X-Enrollment"],
        ordering_key=enrollment.ordering_key,
        sha256=hashlib.sha256(body).hexdigest(),
        bytes=len(body),
    )


def _answer(reply: Reply) -> Answer:
    if reply.record is not None:
        return Answer(reply.status, (), b'{"recorded": true}')
    headers = () if reply.retry_after is None else (("Retry-After", reply.retry_after),)
    return Answer(reply.status, headers, b"")
