"""The admin API, version 1: read the request, call, write the document."""

import asyncio
from typing import Final

from aiohttp import web

from gateway.admin import asking, documents
from gateway.admin.acts import Acts, UnknownEnrollment
from gateway.admin.health import Ready
from gateway.admin.ports import Control
from gateway.clock import Clock
from gateway.journal.contract import Journal, Life

OPERATOR_HEADER: Final = "Gateway-Operator"
"""Who is at the keyboard, in their own words; the audit keeps it beside the address."""

_NOBODY: Final = "admin"
_NAME_CHARACTERS: Final = 64


class Api:
    """The handlers below ``/admin/v1/``."""

    def __init__(
        self,
        *,
        journal: Journal,
        control: Control,
        acts: Acts,
        clock: Clock,
        ready: Ready,
        version: str,
    ) -> None:
        self._journal = journal
        self._control = control
        self._acts = acts
        self._clock = clock
        self._ready = ready
        self._version = version

    def routes(self) -> list[web.RouteDef]:
        """All its paths."""
        return [
            web.get("/admin/v1/status", self.status),
            web.get("/admin/v1/enrollments", self.list),
            web.get("/admin/v1/enrollments/{id}", self.show),
            web.post("/admin/v1/enrollments/{id}/requeue", self.requeue),
            web.post("/admin/v1/enrollments/{id}/cancel", self.cancel),
            web.post("/admin/v1/requeue", self.requeue_all),
            web.post("/admin/v1/pause", self.pause),
            web.post("/admin/v1/resume", self.resume),
            web.get("/admin/v1/reconciliation", self.reconciliation),
            web.get("/admin/v1/audit", self.audit),
        ]

    async def status(self, _request: web.Request) -> web.Response:
        """Everything an operator looks at first."""
        (ready, _), totals, usage = await asyncio.gather(
            self._ready(), self._journal.totals(), self._journal.usage()
        )
        return web.json_response(
            documents.status(
                version=self._version,
                ready=ready,
                now=self._clock.now(),
                outlook=self._control.outlook(),
                upstream=self._control.upstream(),
                totals=totals,
                usage=usage,
                durability=self._journal.durability,
            )
        )

    async def list(self, request: web.Request) -> web.Response:
        """A page of enrollments, oldest first."""
        asked = asking.listing(request.query)
        before = None if asked.older_than is None else self._clock.now() - asked.older_than
        # One more than asked for tells whether there is a next page.
        found = await self._journal.list(
            statuses=asked.statuses,
            accepted_before=before,
            after=asked.cursor,
            limit=asked.limit + 1,
        )
        page = found[: asked.limit]
        return web.json_response(
            {
                "items": [documents.enrollment(life) for life in page],
                "next_cursor": page[-1].id if len(found) > len(page) else None,
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        """One enrollment."""
        kept = await self._journal.find(_id(request))
        if kept is None:
            raise UnknownEnrollment
        return _item(kept.life)

    async def requeue(self, request: web.Request) -> web.Response:
        """Make one dead letter due again."""
        return _item(await self._acts.requeue(_id(request), actor=_actor(request)))

    async def cancel(self, request: web.Request) -> web.Response:
        """End one enrollment."""
        return _item(await self._acts.cancel(_id(request), actor=_actor(request)))

    async def requeue_all(self, request: web.Request) -> web.Response:
        """Make many dead letters due again."""
        older_than = asking.requeue(asking.body(await request.read()))
        requeued = await self._acts.requeue_all(older_than=older_than, actor=_actor(request))
        return web.json_response({"requeued": requeued})

    async def pause(self, request: web.Request) -> web.Response:
        """Stop delivery."""
        reason = asking.pause(asking.body(await request.read()))
        await self._acts.pause(reason or "by an operator", actor=_actor(request))
        return await self.status(request)

    async def resume(self, request: web.Request) -> web.Response:
        """Start delivery again."""
        await self._acts.resume(actor=_actor(request))
        return await self.status(request)

    async def reconciliation(self, _request: web.Request) -> web.Response:
        """Accepted against the sum of all statuses."""
        totals = await self._journal.totals()
        return web.json_response(documents.reconciliation(totals, now=self._clock.now()))

    async def audit(self, request: web.Request) -> web.Response:
        """A page of what operators did, newest first."""
        limit, before = asking.audit_page(request.query)
        records = await self._journal.audit_list(limit=limit, before=before)
        more = len(records) == limit and records[-1].seq > 1
        return web.json_response(
            {
                "items": [documents.audit_record(each) for each in records],
                "next_before": records[-1].seq if more else None,
            }
        )


def _item(life: Life) -> web.Response:
    return web.json_response(documents.enrollment(life))


def _id(request: web.Request) -> str:
    found = request.match_info["id"]
    if not asking.is_id(found):
        raise UnknownEnrollment
    return found


def _actor(request: web.Request) -> str:
    name = asking.shown(request.headers.get(OPERATOR_HEADER, ""))[:_NAME_CHARACTERS]
    return f"{name or _NOBODY} ({request.remote})"
