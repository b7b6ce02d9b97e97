"""The composition root: the only room that knows every other.

It makes the parts, hands them to each other, opens the doors in the right order and closes them in
the other. It decides nothing.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from gateway.arena import ARENA
from gateway.heap import give_back_later, keep_freed
from gateway.journal.contract import Journal, JournalFault, JournalInUse
from gateway.journal.retention import forget_settled
from gateway.memory import collect_seldom, forbid_dumps, give_back
from gateway.observe.lag import watch_lag
from gateway.observe.logs import configure_logging
from gateway.wiring.doors import Sign, operators_door, stations_door
from gateway.wiring.parts import connected_upstream, delivering, make_delivery, opened_journal
from gateway.wiring.renewal import keep_renewed
from gateway.wiring.shared import Shared, blaming
from gateway.wiring.traces import traced
from gateway.wiring.translation import log_format

if TYPE_CHECKING:
    from gateway.config import Settings

FAILPOINTS: Final = "ENROLLMENT_GATEWAY_FAILPOINTS"
"""Environment variable for tests of crashes; see ``gateway.failpoints``."""


def serve(settings: "Settings") -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code.

    Raises:
        ConfigFault: a file or an address that the settings name cannot be used.
        JournalInUse: another gateway holds the journal.
    """
    configure_logging(settings.log.level, log_format(settings, terminal=sys.stderr.isatty()))
    log = structlog.get_logger("gateway")
    forbid_dumps()
    _fail_where_asked()
    try:
        uvloop.run(_run(Shared(settings)))
    except JournalInUse:
        raise
    except JournalFault as fault:
        log.error("journal_failed", reason=str(fault))  # noqa: TRY400 - the text is for people
        return 1
    log.info("stopped")
    return 0


def _fail_where_asked() -> None:
    """Put failpoints in place. A run that asks for none does not even load them."""
    asked = os.environ.get(FAILPOINTS)
    if asked is not None:
        from gateway.failpoints import FailpointFault, arm  # noqa: PLC0415 - as just said

        with blaming(FAILPOINTS, FailpointFault):
            arm(asked)


async def _run(shared: Shared) -> None:
    """Serve until a signal, or until a part that must not end does."""
    stopped, renew = asyncio.Event(), asyncio.Event()
    for number, event in (
        (signal.SIGTERM, stopped),
        (signal.SIGINT, stopped),
        (signal.SIGHUP, renew),
    ):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    async with AsyncExitStack() as stack:
        # Left in the other order: the stations' door closes first, the journal last of all
        # that has something to tell, and then the way of the traces.
        stack.enter_context(traced(shared))
        journal, sealer = await stack.enter_async_context(opened_journal(shared))
        upstream = await stack.enter_async_context(connected_upstream(shared, journal))
        delivery = await make_delivery(shared, journal, sealer, upstream)
        sign = Sign()
        await stack.enter_async_context(operators_door(shared, journal, delivery, sign))
        loop = await stack.enter_async_context(delivering(delivery))
        await stack.enter_async_context(
            stations_door(shared, journal, sealer, delivery, upstream, sign)
        )
        collect_seldom()
        give_back()
        keep_freed()
        await _until_first_ends(shared, journal, stopped, renew, loop)
        structlog.get_logger("gateway").info("stopping")


async def _until_first_ends(
    shared: Shared,
    journal: Journal,
    stopped: asyncio.Event,
    renew: asyncio.Event,
    loop: "asyncio.Task[None]",
) -> None:
    """Wait for the signal. What ends before it has failed, and its fault is raised."""
    retention = shared.settings.journal.retention_seconds
    others = (
        stopped.wait(),
        journal.until_broken(),
        forget_settled(journal, clock=shared.clock, retention_seconds=retention),
        keep_renewed(shared.renewals, renew),
        watch_lag(shared.metrics.process.event_loop_lag, clock=shared.clock),
        give_back_later(ARENA.give_back),
    )
    tasks = [asyncio.ensure_future(other) for other in others]
    try:
        ended, _ = await asyncio.wait([*tasks, loop], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
