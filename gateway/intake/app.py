"""Intake put together, and what the wiring and the listener ask of it.

Must not know a request.
"""

import random
from collections.abc import Collection

from gateway.clock import Clock
from gateway.core.facts import Publish
from gateway.intake.door import Door
from gateway.intake.enrolling import Enrolling
from gateway.intake.ports import Delivery
from gateway.intake.reading import BodyReader
from gateway.intake.receipt_resource import ReceiptResource
from gateway.intake.receipts import Receipts
from gateway.intake.relay import Relay
from gateway.intake.server import StationServer
from gateway.intake.settings import IntakeSettings
from gateway.intake.signing import ReceiptKeys
from gateway.intake.stations import Stations
from gateway.intake.waiters import Waiters
from gateway.journal.contract import Journal
from gateway.journal.sealing import Sealer
from gateway.observe.tracing import UNTRACED, Tracing


class Intake:
    """Answers stations. ``server()`` makes it listen; ``see`` is told the facts of ``SEEN``."""

    def __init__(  # noqa: PLR0913 - the wiring names each part, once
        self,
        *,
        journal: Journal,
        sealer: Sealer,
        delivery: Delivery,
        relay: Relay,
        receipt_keys: ReceiptKeys,
        stations: Stations,
        settings: IntakeSettings,
        clock: Clock,
        rng: random.Random,
        publish: Publish,
        tracing: Tracing = UNTRACED,
    ) -> None:
        """Wire it up.

        Args:
            journal: keeps enrollments.
            sealer: seals them before.
            delivery: takes them over after.
            relay: carries what is not kept.
            receipt_keys: sign receipts.
            stations: tells who asks.
            settings: limits and times.
            clock: both clocks.
            rng: makes ids.
            publish: where facts go.
            tracing: begins a span for each enrollment.
        """
        receipts = Receipts(receipt_keys, journal=journal, clock=clock)
        self._waiters = Waiters()
        self._bodies = BodyReader(
            max_body_bytes=settings.max_body_bytes,
            max_inflight_bytes=settings.max_inflight_bytes,
            idle_seconds=settings.body_idle_timeout_seconds,
        )
        self._settings = settings
        self._door = Door(
            bodies=self._bodies,
            enrolling=Enrolling(
                journal=journal,
                sealer=sealer,
                delivery=delivery,
                receipts=receipts,
                waiters=self._waiters,
                clock=clock,
                rng=rng,
                publish=publish,
            ),
            resource=ReceiptResource(
                journal=journal,
                sealer=sealer,
                delivery=delivery,
                receipts=receipts,
                waiters=self._waiters,
            ),
            relay=relay,
            stations=stations,
            settings=settings,
            clock=clock,
            publish=publish,
            tracing=tracing,
        )

    def server(self) -> StationServer:
        """The protocol factory of the listener."""
        door = self._door
        return StationServer(door.handle, explain=door.explain, settings=self._settings)

    @property
    def handshake_seconds(self) -> float:
        """How long a TLS handshake may take."""
        return self._settings.header_timeout_seconds

    @property
    def see(self) -> Publish:
        """Takes note of a fact: someone may wait for it."""
        return self._waiters.see

    def waited_for(self) -> Collection[str]:
        """The ids of enrollments whose end somebody waits for."""
        return self._waiters.waited_for()

    def release(self) -> None:
        """Let every station that waits go with its receipt."""
        self._waiters.release()

    async def finish(self) -> None:
        """From now on every answer ends its connection; return when no request is in hand."""
        await self._door.finish()
