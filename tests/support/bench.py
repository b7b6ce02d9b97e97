"""A delivery loop on a test bench: real core, dispatcher and journal; scripted server and time."""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count

from gateway.core.decide import DeliveryPolicy
from gateway.core.enrollment import Enrollment
from gateway.core.facts import Fact, Publish
from gateway.core.ids import uuid7
from gateway.core.limiter import Limiter, LimiterSettings
from gateway.core.rank import rank
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.gate import Gate
from gateway.delivery.memory import Memory
from gateway.journal.contract import Accepted, Existing, Life
from gateway.journal.keyring import KeyRing
from gateway.journal.memory import MemoryJournal
from gateway.journal.sealing import Sealer
from simulation.virtual_time import VirtualClock
from tests.support.scripted_transport import ScriptedTransport

NOT_HONOURED = DeliveryPolicy(honours_key=False, can_look_up=True, settle_seconds=60.0)
"""The server heeds no key, and can be asked."""


@dataclass
class Bench:
    """Everything that one delivery loop needs; ``journal`` may be handed on to the next one."""

    journal: MemoryJournal
    transport: ScriptedTransport = field(default_factory=ScriptedTransport)
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    settings: LimiterSettings = field(default_factory=LimiterSettings)
    sealer: Sealer = field(default_factory=lambda: Sealer(KeyRing.generate()))
    seed: int = 1
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(asyncio.get_running_loop()))
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publish: Publish = self.facts.append
        self.rng = random.Random(self.seed)
        self._numbers = count(1)
        courier = Courier(
            journal=self.journal,
            sealer=self.sealer,
            transport=self.transport,
            policy=self.policy,
            clock=self.clock,
            rng=self.rng,
            publish=self._published,
        )
        self.limiter = Limiter(settings=self.settings, rng=self.rng, now=self.clock.monotonic())
        self.gate = Gate(
            self.limiter,
            clock=self.clock,
            publish=self._published,
            ghost_seconds=30.0,
        )
        self.dispatcher = Dispatcher(
            journal=self.journal,
            courier=courier,
            gate=self.gate,
            memory=Memory(self.journal, self.clock),
            policy=self.policy,
            clock=self.clock,
        )

    def _published(self, fact: Fact) -> None:
        self.publish(fact)

    def enrollment(
        self,
        key: str | None = None,
        *,
        station: str = "desk",
        priority: int = 3,
        ordering_key: str | None = None,
    ) -> Enrollment:
        """A new one, accepted now. Keys are numbered unless given."""
        key = key or f"key-{next(self._numbers)}"
        body = f"packet of {key}".encode()
        digest = hashlib.sha256(body).hexdigest()
        return Enrollment(
            id=uuid7(now=self.clock.now(), rng=self.rng),
            station=station,
            key=key,
            method="POST",
            target="/enrollments",
            headers=(("Idempotency-Key", key),),
            body=body,
            content_sha256=digest,
            accepted_at=self.clock.now(),
            priority=priority,
            ordering_key=ordering_key,
            fingerprint=self.sealer.fingerprint(
                method="POST", target="/enrollments", content_type="", content_sha256=digest
            ),
        )

    async def accept(self, enrollment: Enrollment, *, sending: bool = False) -> Accepted | Existing:
        """Put it into the journal, as intake does."""
        entry = self.sealer.seal(
            enrollment,
            rank=rank(accepted_at=enrollment.accepted_at, priority=enrollment.priority),
        )
        return await self.journal.accept(entry, sending=sending)

    async def take_in(self, *enrollments: Enrollment, live: bool = False) -> None:
        """Accept as pending, and tell the dispatcher."""
        for enrollment in enrollments:
            kept = await self.accept(enrollment)
            assert isinstance(kept, Accepted)
            self.dispatcher.enqueue(enrollment, rank=kept.rank, live=live)

    async def life(self, enrollment: Enrollment) -> Life:
        """Where it stands."""
        kept = await self.journal.find(enrollment.id)
        assert kept is not None
        return kept.life

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The loop runs within; it is stopped, not crashed, at the end."""
        loop = asyncio.get_running_loop().create_task(self.dispatcher.run())
        try:
            yield
        finally:
            await self.dispatcher.stop(grace_seconds=60.0)
            await loop


async def new_bench(
    *,
    transport: ScriptedTransport | None = None,
    policy: DeliveryPolicy | None = None,
    settings: LimiterSettings | None = None,
) -> Bench:
    """A bench with an open, empty journal; by default a server that records whatever comes."""
    journal = MemoryJournal()
    await journal.open(now=1_800_000_000.0)
    return Bench(
        journal,
        transport or ScriptedTransport(),
        policy or DeliveryPolicy(),
        settings or LimiterSettings(),
    )
