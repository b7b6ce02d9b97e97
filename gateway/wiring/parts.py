"""The parts behind the doors: the journal, the way to the upstream, the delivery loop."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import aiohttp
import structlog

from gateway.core.facts import JournalRecovered
from gateway.core.limiter import Limiter
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.gate import Gate
from gateway.delivery.memory import Memory
from gateway.delivery.pool import UpstreamPool
from gateway.delivery.sending import MaySend, always
from gateway.delivery.session import (
    Authorization,
    renew_tls,
    upstream_session,
    upstream_tls,
)
from gateway.delivery.transport import UpstreamTransport
from gateway.delivery.turns import Turns
from gateway.journal import damage
from gateway.journal.contract import Journal
from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.observe.certificates import first_expiry
from gateway.wiring.renewal import Renewal
from gateway.wiring.shared import Shared, blaming
from gateway.wiring.translation import delivery_policy, limiter_settings, upstream_settings

if TYPE_CHECKING:
    from gateway.journal.postgres import PostgresJournal
    from gateway.journal.sharing import SharedJournal

GRACE_SECONDS: Final = 4.0  # for attempts under way when the gateway is told to stop


@dataclass(frozen=True, slots=True)
class Upstream:
    """The way to the recording server: its connections, and the gateway's own credential.

    Attributes:
        pool: for enrollments and lookups.
        session: for what is relayed, whose answers are streamed.
        authorization: the gateway's own credential.
    """

    pool: UpstreamPool
    session: aiohttp.ClientSession
    authorization: Authorization


@asynccontextmanager
async def opened_journal(shared: Shared) -> AsyncIterator[tuple[Journal, Sealer]]:
    """The journal, checked against its keys, and what seals for it."""
    settings = shared.settings.journal
    if shared.shares_its_journal:
        from gateway.wiring.group import opened_shared_journal  # noqa: PLC0415 - see ``Shared``

        async with opened_shared_journal(shared) as opened:
            await _report(shared, opened[0])
            yield opened
        return
    with blaming("journal.key_file", KeyRingFault):
        ring = KeyRing.load_or_create(
            shared.paths.journal_keys, journal_exists=shared.paths.journal.exists()
        )
    journal = SqliteJournal(
        shared.paths.journal,
        max_bytes=settings.max_bytes,
        min_free_bytes=settings.min_free_bytes,
        publish=shared.publish,
    )
    in_doubt = await journal.open(now=shared.clock.now())
    try:
        with blaming("journal.key_file", KeyRingFault):
            await bind(journal, ring)
        await _report(shared, journal)
        if in_doubt:
            shared.publish(JournalRecovered(in_doubt))
        yield journal, Sealer(ring)
    finally:
        await journal.close()


async def _report(shared: Shared, journal: Journal) -> None:
    """Say what is lost, and let nothing out of a journal that may be an older copy."""
    log = structlog.get_logger("gateway")
    for sentence in await journal.damage():
        log.warning("journal_degraded", reason=sentence)
    restored = await journal.recall(damage.RESTORED)
    if restored:
        log.warning("journal_restored", reason=restored)
        await Memory(journal, shared.clock).keep_pause(restored)
        await journal.remember(damage.RESTORED, "")


@asynccontextmanager
async def connected_upstream(shared: Shared, journal: Journal) -> AsyncIterator[Upstream]:
    """Connections are made when they are needed; files are read now."""
    settings = shared.settings.upstream
    with blaming("upstream", OSError, ValueError):
        tls = _upstream_tls(shared)
        authorization = Authorization(settings.authorization_file, shared.clock)
    pool = UpstreamPool(
        upstream_settings(shared.settings).url,
        tls=tls,
        timeout_seconds=settings.timeout_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        may_send=_may_send(shared, journal),
    )
    async with upstream_session(
        tls,
        timeout_seconds=settings.timeout_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
    ) as session:

        async def use(tls: ssl.SSLContext) -> None:
            pool.renew(tls)
            renew_tls(session, tls)

        files = (settings.ca, settings.client_certificate, settings.client_key)
        make = partial(_upstream_tls, shared)
        shared.renewals.append(Renewal("upstream", files, make=make, use=use))
        try:
            yield Upstream(pool, session, authorization)
        finally:
            pool.close()


def _upstream_tls(shared: Shared) -> ssl.SSLContext:
    upstream = shared.settings.upstream
    tls = upstream_tls(
        spoken=urlsplit(upstream_settings(shared.settings).url).scheme == "https",
        ca=upstream.ca,
        client_certificate=upstream.client_certificate,
        client_key=upstream.client_key,
    )
    if upstream.client_certificate is not None:
        expires_at = first_expiry(upstream.client_certificate)
        shared.metrics.process.certificate("upstream.client_certificate", expires_at)
    return tls


async def make_delivery(
    shared: Shared, journal: Journal, sealer: Sealer, upstream: Upstream
) -> Dispatcher | Turns:
    """Delivery: by this gateway alone, or by turns with others. ``delivering`` starts it."""
    if shared.shares_its_journal:
        from gateway.wiring.group import make_turns  # noqa: PLC0415 - see ``Shared``

        make = partial(_dispatcher, shared, journal, sealer, upstream)
        return make_turns(shared, cast("PostgresJournal", journal), make)
    return await _dispatcher(shared, journal, sealer, upstream)


def _may_send(shared: Shared, journal: Journal) -> MaySend:
    """What is asked before each first byte."""
    return cast("SharedJournal", journal).may_send if shared.shares_its_journal else always


async def _dispatcher(
    shared: Shared, journal: Journal, sealer: Sealer, upstream: Upstream
) -> Dispatcher:
    """The delivery loop, with what it remembers of its last run."""
    policy = delivery_policy(shared.settings)
    memory = Memory(journal, shared.clock)
    limiter = Limiter(
        settings=limiter_settings(shared.settings),
        rng=shared.rng,
        now=shared.clock.monotonic(),
        memory=await memory.window(),
    )
    gate = Gate(
        limiter,
        clock=shared.clock,
        publish=shared.publish,
        ghost_seconds=shared.settings.upstream.timeout_seconds,
    )
    courier = Courier(
        journal=journal,
        sealer=sealer,
        transport=UpstreamTransport(
            upstream.pool, upstream_settings(shared.settings), upstream.authorization
        ),
        policy=policy,
        clock=shared.clock,
        rng=shared.rng,
        publish=shared.publish,
        tracing=shared.tracing,
        may_send=_may_send(shared, journal),
    )
    return Dispatcher(
        journal=journal,
        courier=courier,
        gate=gate,
        memory=memory,
        policy=policy,
        clock=shared.clock,
        may_send=_may_send(shared, journal),
    )


@asynccontextmanager
async def delivering(delivery: Dispatcher | Turns) -> AsyncIterator["asyncio.Task[None]"]:
    """The loop runs within; attempts under way get a little time at the end."""
    task = asyncio.get_running_loop().create_task(delivery.run())
    try:
        yield task
    finally:
        if not task.done():
            await delivery.stop(grace_seconds=GRACE_SECONDS)
            await task
