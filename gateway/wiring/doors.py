"""The two doors: operators' and stations'. Each listens within its context, and closes in order."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from gateway.admin import token
from gateway.admin.app import build_admin_app
from gateway.admin.listener import OperatorsRunner
from gateway.admin.readiness import can_promise
from gateway.config import Address
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.turns import Turns
from gateway.descriptors import room_for_connections
from gateway.intake import signing
from gateway.intake.app import Intake
from gateway.intake.listener import Listener
from gateway.intake.relay import Relay
from gateway.intake.stations import Stations, StationsFault
from gateway.intake.tls import server_context
from gateway.intake.waiters import SEEN
from gateway.journal.contract import Journal
from gateway.journal.sealing import Sealer
from gateway.observe.certificates import first_expiry
from gateway.wiring.files_audit import files_audited
from gateway.wiring.parts import Upstream
from gateway.wiring.renewal import Renewal
from gateway.wiring.shared import VERSION, Shared, blaming
from gateway.wiring.translation import intake_settings, usual_limits

DRAIN_SECONDS: Final = 4.0  # for requests in hand when the gateway is told to stop


class Sign:
    """The sign on the stations' door, for whoever asks whether it is open."""

    def __init__(self) -> None:
        self.says = "the gateway is starting: the stations' door is not open yet"
        self.is_open = False

    async def ready(self, journal: Journal) -> tuple[bool, str]:
        """Whether a station that came now could be promised anything, and why not."""
        return await can_promise(journal) if self.is_open else (False, self.says)


@asynccontextmanager
async def operators_door(
    shared: Shared, journal: Journal, delivery: Dispatcher | Turns, sign: Sign
) -> AsyncIterator[None]:
    """Health, metrics and the admin API."""
    with blaming("admin.token_file", token.TokenFault):
        bearer = token.Bearer(token.load_or_create(shared.paths.admin_token))
    _token_renewed(shared, bearer)
    app = build_admin_app(
        journal=journal,
        control=delivery,
        metrics=shared.metrics,
        bearer=bearer,
        clock=shared.clock,
        ready=partial(sign.ready, journal),
        publish=shared.publish,
        version=VERSION,
    )
    runner = OperatorsRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        wanted = shared.settings.admin.listen
        with blaming("admin.listen", OSError):
            await web.TCPSite(runner, wanted.host, wanted.port).start()
        host, port, *_ = runner.addresses[0]
        structlog.get_logger("gateway").info("admin_listening", address=str(Address(host, port)))
        yield
    finally:
        await runner.cleanup()


def _token_renewed(shared: Shared, bearer: token.Bearer) -> None:
    file = shared.paths.admin_token

    async def use(secret: str) -> None:
        bearer.renew(secret)

    shared.renewals.append(
        Renewal("admin.token_file", (file,), make=partial(token.load, file), use=use, what="token")
    )


@asynccontextmanager
async def stations_door(
    shared: Shared,
    journal: Journal,
    sealer: Sealer,
    delivery: Dispatcher | Turns,
    upstream: Upstream,
    sign: Sign,
) -> AsyncIterator[None]:
    """The public listener. At the end it stops accepting, and lets what is in hand finish."""
    settings = shared.settings
    with blaming("receipts.key_file", signing.ReceiptKeyFault):
        receipt_keys = signing.load_or_create(shared.paths.receipt_keys)
        if shared.shares_its_journal:
            from gateway.wiring.group import check_receipt_keys  # noqa: PLC0415 - see ``Shared``

            await check_receipt_keys(journal, receipt_keys)
    with blaming("stations.tokens_file", StationsFault):
        stations = Stations(
            clock=shared.clock,
            tokens_file=settings.stations.tokens_file,
            usual=usual_limits(settings),
        )
    with blaming("receipts.key_file", signing.ReceiptKeyFault):
        await files_audited(shared, journal)
    intake = Intake(
        journal=journal,
        sealer=sealer,
        delivery=delivery,
        relay=Relay(
            session=upstream.session,
            upstream_url=str(settings.upstream.url),
            delivery=delivery,
            authorization=upstream.authorization,
        ),
        receipt_keys=receipt_keys,
        stations=stations,
        settings=intake_settings(settings, max_connections=_room(shared)),
        clock=shared.clock,
        rng=shared.rng,
        publish=shared.publish,
        tracing=shared.tracing,
    )
    shared.subscribe(intake.see, *SEEN)
    listener = Listener(intake, tls=_tls(shared))
    wanted = settings.intake.listen
    with blaming("intake.listen", OSError):
        host, port = await listener.start(wanted.host, wanted.port)
    structlog.get_logger("gateway").info("listening", address=str(Address(host, port)))
    _renewed(shared, listener)
    sign.is_open = True
    try:
        async with _told_of_ends(shared, journal, sealer, delivery, intake):
            yield
    finally:
        sign.is_open, sign.says = False, "the gateway is stopping"
        listener.stop_accepting()
        await listener.drain(DRAIN_SECONDS)


def _told_of_ends(
    shared: Shared, journal: Journal, sealer: Sealer, delivery: Dispatcher | Turns, intake: Intake
) -> AbstractAsyncContextManager[None]:
    if not shared.shares_its_journal:
        return nullcontext()
    from gateway.wiring.group import told_of_ends  # noqa: PLC0415 - see ``Shared``

    return told_of_ends(journal, sealer, delivery, intake)


def _room(shared: Shared) -> int:
    wanted = shared.settings.intake.max_connections
    most = room_for_connections(wanted)
    if most < wanted:
        reason = f"the limit of open files allows fewer than intake.max_connections = {wanted}"
        structlog.get_logger("gateway").warning("connections_limited", count=most, reason=reason)
    return most


def _tls(shared: Shared) -> ssl.SSLContext | None:
    if shared.settings.intake.tls_certificate is None:
        return None
    with blaming("intake.tls_certificate", OSError, ValueError):
        return _server_tls(shared)


def _server_tls(shared: Shared) -> ssl.SSLContext:
    intake = shared.settings.intake
    if intake.tls_certificate is None or intake.tls_key is None:
        raise ValueError("the configuration names a certificate and its key together")
    tls = server_context(intake.tls_certificate, intake.tls_key, client_ca=intake.client_ca)
    shared.metrics.process.certificate(
        "intake.tls_certificate", first_expiry(intake.tls_certificate)
    )
    return tls


def _renewed(shared: Shared, listener: Listener) -> None:
    intake = shared.settings.intake
    if intake.tls_certificate is not None:
        files = (intake.tls_certificate, intake.tls_key, intake.client_ca)
        make = partial(_server_tls, shared)
        shared.renewals.append(
            Renewal("intake.tls_certificate", files, make=make, use=listener.renew)
        )
