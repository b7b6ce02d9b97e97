"""The parts of a gateway that shares its journal with others: PostgreSQL, turns, and one truth.

A gateway with a journal of its own needs none of this.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.core.facts import JournalRecovered
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.memory import Memory
from gateway.delivery.turns import Turns
from gateway.intake.app import Intake
from gateway.intake.ends import Ends
from gateway.intake.signing import ReceiptKeyFault, ReceiptKeys
from gateway.journal.agreement import agree
from gateway.journal.contract import Journal
from gateway.journal.keyring import KeyRing, KeyRingFault, bind
from gateway.journal.postgres import NotDurable, PostgresJournal
from gateway.journal.sealing import Sealer
from gateway.wiring.shared import Shared, blaming

_MARK: Final = "keyring"
_LACKS: Final = (
    "this {} lacks the newest key of another gateway on this journal; copy the file from the "
    "gateway whose keys were rotated last, then start again"
)


@asynccontextmanager
async def opened_shared_journal(shared: Shared) -> AsyncIterator[tuple[Journal, Sealer]]:
    """The journal, found as durable as it says, checked against the keys, and what seals for it."""
    journal = PostgresJournal(
        shared.settings.journal.url,
        max_bytes=shared.settings.journal.max_bytes,
        clock=shared.clock,
        publish=shared.publish,
    )
    with blaming("journal.url", NotDurable):
        in_doubt = await journal.open(now=shared.clock.now())
    try:
        with blaming("journal.key_file", KeyRingFault):
            ring = await _agreed_ring(shared, journal)
        if in_doubt:
            shared.publish(JournalRecovered(in_doubt))
        yield journal, Sealer(ring)
    finally:
        await journal.close()


async def _agreed_ring(shared: Shared, journal: PostgresJournal) -> KeyRing:
    exists = await journal.recall(_MARK) is not None
    ring = KeyRing.load_or_create(shared.paths.journal_keys, journal_exists=exists)
    await journal.claim(_MARK, ring.mark())  # of two first starts at once, one is the first
    await bind(journal, ring)
    known = {key_id.hex() for key_id in ring.keys}
    if not await agree(journal, "sealing-key", newest=ring.active.hex(), known=known):
        raise KeyRingFault(_LACKS.format("key file"))
    return ring


async def check_receipt_keys(journal: Journal, keys: ReceiptKeys) -> None:
    """All gateways sign with keys that all of them publish.

    Raises:
        ReceiptKeyFault: another gateway signs with a key that this one lacks.
    """
    if isinstance(journal, PostgresJournal):
        known = [str(key["kid"]) for key in keys.jwks()["keys"]]
        if not await agree(journal, "receipt-key", newest=known[0], known=known):
            raise ReceiptKeyFault(_LACKS.format("receipts key file"))


def make_turns(
    shared: Shared, journal: PostgresJournal, make: Callable[[], Awaitable[Dispatcher]]
) -> Turns:
    """Delivery by turns; ``make`` makes the dispatcher of one."""
    return Turns(
        journal=journal,
        make=make,
        memory=Memory(journal, shared.clock),
        clock=shared.clock,
        publish=shared.publish,
    )


@asynccontextmanager
async def told_of_ends(
    journal: Journal, sealer: Sealer, delivery: object, intake: Intake
) -> AsyncIterator[None]:
    """Within it, stations that wait here hear of what other gateways delivered."""
    if not isinstance(journal, PostgresJournal) or not isinstance(delivery, Turns):
        yield
        return
    delivery.watch(intake.see)
    ends = Ends(journal=journal, sealer=sealer, waited_for=intake.waited_for, see=intake.see)
    task = asyncio.get_running_loop().create_task(ends.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
