"""The composition root: the only module that knows every room.

It makes the parts, hands them to each other, opens the doors in the right order and closes them in
the other. It decides nothing.
"""

import asyncio
import random
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from importlib.metadata import version
from typing import Final

import aiohttp
import structlog
import uvloop
from aiohttp import web

from gateway import translation
from gateway.admin import token
from gateway.admin.app import build_admin_app
from gateway.admin.readiness import can_promise
from gateway.clock import SystemClock
from gateway.config import Address, ConfigFault, Problem, Settings, paths
from gateway.core.facts import Fact, JournalRecovered, Publish
from gateway.core.limiter import Limiter
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.gate import Gate
from gateway.delivery.memory import Memory
from gateway.delivery.session import Authorization, upstream_session, upstream_tls
from gateway.delivery.transport import UpstreamTransport
from gateway.intake import signing
from gateway.intake.app import Intake
from gateway.intake.listener import Listener
from gateway.intake.relay import Relay
from gateway.intake.stations import Stations, StationsFault
from gateway.intake.tls import server_context
from gateway.journal.contract import Journal, JournalFault, JournalInUse
from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.retention import forget_settled
from gateway.journal.sealing import Sealer
from gateway.journal.sqlite import SqliteJournal
from gateway.observe.lag import watch_lag
from gateway.observe.logs import Logs, configure_logging
from gateway.observe.metrics import Metrics

PACKAGE: Final = "enrollment-gateway"
# Together below the ten seconds that container engines allow by default.
DRAIN_SECONDS, DELIVERY_GRACE_SECONDS = 4.0, 4.0


def serve(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code.

    Raises:
        ConfigFault: a file or an address that the settings name cannot be used.
        JournalInUse: another gateway holds the journal.
    """
    configure_logging(settings.log.level, settings.log.shape(terminal=sys.stderr.isatty()))
    log = structlog.get_logger("gateway")
    try:
        uvloop.run(Gateway(settings).run())
    except JournalInUse:
        raise
    except JournalFault as fault:
        log.error("journal_failed", reason=str(fault))  # noqa: TRY400 - the text is for people
        return 1
    log.info("stopped")
    return 0


class Gateway:
    """One gateway: its parts, and how they begin and end."""

    def __init__(self, settings: Settings) -> None:
        """Make what needs neither a loop nor a disk."""
        self.settings = settings
        self.paths = paths(settings)
        self.clock = SystemClock()
        self.rng = random.Random()  # noqa: S311 - for ids and jitter; keys come from elsewhere
        self.metrics = Metrics(
            version=version(PACKAGE),
            config_sha256=translation.config_digest(settings),
            clock=self.clock,
        )
        self._listeners: list[Publish] = [self.metrics.on_fact, Logs().on_fact]
        self._log = structlog.get_logger("gateway")

    def publish(self, fact: Fact) -> None:
        """Hand a fact to everyone who listens."""
        for listener in self._listeners:
            listener(fact)

    async def run(self) -> None:
        """Serve until a signal, or until a part that must not end does.

        Raises:
            JournalFault: the journal cannot be opened, or not be trusted any more.
            ConfigFault: a file or an address cannot be used.
        """
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with AsyncExitStack() as stack:
            # Left in the other order: the door to stations closes first, the journal last.
            journal, sealer = await stack.enter_async_context(self._journal())
            session = await stack.enter_async_context(self._session())
            dispatcher = await self._dispatcher(journal, sealer, session)
            await stack.enter_async_context(self._admin(journal, dispatcher))
            delivering = await stack.enter_async_context(_delivering(dispatcher))
            await stack.enter_async_context(self._intake(journal, sealer, dispatcher, session))
            await self._until_first_ends(stopped, delivering, journal)
            self._log.info("stopping")

    async def _until_first_ends(
        self, stopped: asyncio.Event, delivering: "asyncio.Task[None]", journal: Journal
    ) -> None:
        """Wait for the signal. What ends before it has failed, and its fault is raised."""
        retention = self.settings.journal.retention_seconds
        others = (
            stopped.wait(),
            forget_settled(journal, clock=self.clock, retention_seconds=retention),
            watch_lag(self.metrics.event_loop_lag, clock=self.clock),
        )
        tasks = [asyncio.ensure_future(other) for other in others]
        try:
            ended, _ = await asyncio.wait([*tasks, delivering], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    @asynccontextmanager
    async def _journal(self) -> AsyncIterator[tuple[Journal, Sealer]]:
        with _blaming("journal.key_file", KeyRingFault):
            ring = KeyRing.load_or_create(
                self.paths.journal_keys, journal_exists=self.paths.journal.exists()
            )
        journal = SqliteJournal(
            self.paths.journal,
            max_bytes=self.settings.journal.max_bytes,
            min_free_bytes=self.settings.journal.min_free_bytes,
            publish=self.publish,
        )
        in_doubt = await journal.open(now=self.clock.now())
        try:
            with _blaming("journal.key_file", KeyRingFault):
                await bind(journal, ring)
            if in_doubt:
                self.publish(JournalRecovered(in_doubt))
            yield journal, Sealer(ring)
        finally:
            await journal.close()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        upstream = self.settings.upstream
        with _blaming("upstream", OSError):
            tls = upstream_tls(
                ca=upstream.ca,
                client_certificate=upstream.client_certificate,
                client_key=upstream.client_key,
            )
            self._authorization = Authorization(upstream.authorization_file, self.clock)
        async with upstream_session(
            tls,
            timeout_seconds=upstream.timeout_seconds,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
        ) as session:
            yield session

    async def _dispatcher(
        self, journal: Journal, sealer: Sealer, session: aiohttp.ClientSession
    ) -> Dispatcher:
        policy = translation.delivery_policy(self.settings)
        memory = Memory(journal, self.clock)
        limiter = Limiter(
            settings=translation.limiter_settings(self.settings),
            rng=self.rng,
            now=self.clock.monotonic(),
            memory=await memory.window(),
        )
        gate = Gate(
            limiter,
            clock=self.clock,
            publish=self.publish,
            ghost_seconds=self.settings.upstream.timeout_seconds,
        )
        courier = Courier(
            journal=journal,
            sealer=sealer,
            transport=UpstreamTransport(
                session, translation.upstream_settings(self.settings), self._authorization
            ),
            policy=policy,
            clock=self.clock,
            rng=self.rng,
            publish=self.publish,
        )
        return Dispatcher(
            journal=journal,
            courier=courier,
            gate=gate,
            memory=memory,
            policy=policy,
            clock=self.clock,
        )

    @asynccontextmanager
    async def _admin(self, journal: Journal, dispatcher: Dispatcher) -> AsyncIterator[None]:
        with _blaming("admin.token_file", token.TokenFault):
            secret = token.load_or_create(self.paths.admin_token)
        app = build_admin_app(
            journal=journal,
            control=dispatcher,
            metrics=self.metrics,
            token=secret,
            clock=self.clock,
            ready=partial(can_promise, journal),
            publish=self.publish,
            version=version(PACKAGE),
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            address = self.settings.admin.listen
            with _blaming("admin.listen", OSError):
                await web.TCPSite(runner, address.host, address.port).start()
            host, port, *_ = runner.addresses[0]
            self._log.info("admin_listening", address=str(Address(host, port)))
            yield
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def _intake(
        self,
        journal: Journal,
        sealer: Sealer,
        dispatcher: Dispatcher,
        session: aiohttp.ClientSession,
    ) -> AsyncIterator[None]:
        settings = self.settings
        with _blaming("receipts.key_file", signing.ReceiptKeyFault):
            receipt_keys = signing.load_or_create(self.paths.receipt_keys)
        with _blaming("stations.tokens_file", StationsFault):
            stations = Stations(clock=self.clock, tokens_file=settings.stations.tokens_file)
        intake = Intake(
            journal=journal,
            sealer=sealer,
            delivery=dispatcher,
            relay=Relay(
                session=session,
                upstream_url=str(settings.upstream.url),
                delivery=dispatcher,
                authorization=self._authorization,
            ),
            receipt_keys=receipt_keys,
            stations=stations,
            settings=translation.intake_settings(settings),
            clock=self.clock,
            rng=self.rng,
            publish=self.publish,
        )
        self._listeners.append(intake.see)
        listener = Listener(intake, tls=self._intake_tls())
        address = settings.intake.listen
        with _blaming("intake.listen", OSError):
            host, port = await listener.start(address.host, address.port)
        self._log.info("listening", address=str(Address(host, port)))
        try:
            yield
        finally:
            listener.stop_accepting()
            await listener.drain(DRAIN_SECONDS)

    def _intake_tls(self) -> ssl.SSLContext | None:
        intake = self.settings.intake
        if intake.tls_certificate is None or intake.tls_key is None:
            return None
        with _blaming("intake.tls_certificate", OSError):
            return server_context(
                intake.tls_certificate, intake.tls_key, client_ca=intake.client_ca
            )


@asynccontextmanager
async def _delivering(dispatcher: Dispatcher) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.get_running_loop().create_task(dispatcher.run())
    try:
        yield task
    finally:
        if not task.done():
            await dispatcher.stop(grace_seconds=DELIVERY_GRACE_SECONDS)
            await task


@contextmanager
def _blaming(key: str, *faults: type[Exception]) -> Iterator[None]:
    """Tell a fault that happens within by the setting that it comes from."""
    try:
        yield
    except faults as fault:
        raise ConfigFault([Problem(key, str(fault))]) from fault
