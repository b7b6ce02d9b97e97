"""A transport that answers as its script says, in virtual time, and remembers what it was sent."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.outcome import Credential, Exchange

RECORDED = Answer(201, (("Content-Type", "application/json"),), b'{"recorded": true}')

# (enrollment, how often it was sent before) -> what comes back
Script: TypeAlias = Callable[[Enrollment, int], Exchange]


def recorded(_enrollment: Enrollment, _sent_before: int) -> Exchange:
    """A server that records whatever comes."""
    return RECORDED


@dataclass
class ScriptedTransport:
    """See ``gateway.delivery.transport.Transport``."""

    script: Script = recorded
    lookup: Callable[[str], Exchange] = lambda _key: Answer(404, (), b"")
    seconds: float = 0.1
    whose: Credential = Credential.NONE
    sent: list[Enrollment] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    outstanding: int = 0
    most_outstanding: int = 0

    @property
    def order(self) -> list[str]:
        """The keys in the order sent."""
        return [enrollment.key for enrollment in self.sent]

    @property
    def times_sent(self) -> Counter[str]:
        """How often each key was sent."""
        return Counter(self.order)

    def credential(self, enrollment: Enrollment) -> Credential:  # noqa: ARG002 - the protocol's
        return self.whose

    async def send(self, enrollment: Enrollment, headers: Headers) -> Exchange:
        self.headers.append(headers)
        before = self.times_sent[enrollment.key]
        self.sent.append(enrollment)
        return await self._take_time(self.script(enrollment, before))

    async def look_up(self, key: str, headers: Headers) -> Exchange:
        self.headers.append(headers)
        self.looked_up.append(key)
        return await self._take_time(self.lookup(key))

    async def _take_time(self, exchange: Exchange) -> Exchange:
        self.outstanding += 1
        self.most_outstanding = max(self.most_outstanding, self.outstanding)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.outstanding -= 1
        return exchange


def only_first(exchange: Exchange, then: Exchange = RECORDED) -> ScriptedTransport:
    """The first try of each enrollment ends with ``exchange``."""
    return ScriptedTransport(script=lambda _, before: exchange if before == 0 else then)
