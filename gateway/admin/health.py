"""Health and metrics: open to whoever may reach the admin listener, and never waiting for long.

Must not know how readiness is judged; it is handed in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from gateway.admin.documents import age
from gateway.admin.ports import Control
from gateway.clock import Clock
from gateway.journal.contract import Journal, JournalFault
from gateway.observe.metrics import Metrics
from gateway.observe.series.journal import JournalLevels

Ready: TypeAlias = Callable[[], Awaitable[tuple[bool, str]]]
"""Whether the gateway can promise anything, and why not in a few words."""

JOURNAL_PATIENCE: Final = 2.0


class Health:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(
        self, *, journal: Journal, control: Control, metrics: Metrics, clock: Clock, ready: Ready
    ) -> None:
        self._journal = journal
        self._control = control
        self._metrics = metrics
        self._clock = clock
        self._ready = ready

    def routes(self) -> list[web.RouteDef]:
        """The three paths."""
        return [
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.page),
        ]

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process lives: its event loop came to answer."""
        return web.json_response({"status": "alive"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 when the gateway can promise something, 503 with the reason when not.

        ``degraded``: it can promise, but something that it had accepted is lost or unreadable.
        """
        ready, reason = await self._ready()
        damage = await self._damage()
        if ready and damage:
            reason = f"degraded: {'; '.join(damage)}"
        return web.json_response(
            {"ready": ready, "reason": reason, "degraded": bool(damage), "damage": damage},
            status=200 if ready else 503,
        )

    async def page(self, request: web.Request) -> web.Response:
        """The metrics, in the text format or as OpenMetrics."""
        levels, (ready, _) = await asyncio.gather(self._journal_levels(), self._ready())
        # From here to the page nothing is awaited: two scrapes at once cannot mix.
        self._metrics.journal.set_ready(ready=ready)
        self._metrics.journal.set_levels(levels)
        self._metrics.delivery.set_outlook(self._control.outlook())
        body, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _damage(self) -> tuple[str, ...]:
        """Nothing when the journal does not answer: then it is not ready, and says why."""
        try:
            async with asyncio.timeout(JOURNAL_PATIENCE):
                return await self._journal.damage()
        except (TimeoutError, JournalFault):
            return ()

    async def _journal_levels(self) -> JournalLevels | None:
        """None when the journal does not answer: then its figures are missed, not all of them."""
        try:
            async with asyncio.timeout(JOURNAL_PATIENCE):
                totals, usage = await asyncio.gather(self._journal.totals(), self._journal.usage())
        except (TimeoutError, JournalFault):
            return None
        oldest = totals.oldest_undelivered_at
        return JournalLevels(
            enrollments=totals.by_status,
            oldest_age=0.0 if oldest is None else age(oldest, self._clock.now()),
            used=usage.used,
            limit=usage.limit,
            free=usage.free,
            least_free=usage.least_free,
        )
