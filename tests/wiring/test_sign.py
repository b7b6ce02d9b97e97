"""What is told to whoever asks whether the gateway is ready."""

from gateway.journal.memory import MemoryJournal
from gateway.wiring.doors import Sign


async def test_it_is_ready_only_while_the_stations_door_is_open() -> None:
    journal = MemoryJournal()
    await journal.open(now=0.0)
    sign = Sign()
    assert await sign.ready(journal) == (False, sign.says)
    sign.is_open = True
    assert await sign.ready(journal) == (True, "ready")
    sign.is_open = False
    assert await sign.ready(journal) == (False, sign.says)


async def test_an_open_door_promises_nothing_without_a_journal() -> None:
    sign = Sign()
    sign.is_open = True
    ready, _ = await sign.ready(MemoryJournal())
    assert not ready
