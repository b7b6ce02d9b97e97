"""Who is let go first."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from gateway.core.facts import UpstreamState, UpstreamStateChanged
from gateway.intake.waiters import Waiters

if TYPE_CHECKING:
    from gateway.intake.connection import StationConnection


async def test_when_the_server_is_found_down_stations_are_let_go_in_the_order_they_came() -> None:
    waiters, gone = Waiters(), list[str]()

    async def wait(name: str) -> None:
        waiting = waiters.expect(name, live=True)
        line = cast("StationConnection", SimpleNamespace(on_lost=None, transport="a wire"))
        await waiters.wait(name, waiting, seconds=60.0, connection=line)
        gone.append(name)

    came = [f"enrollment {number}" for number in range(200)]
    tasks = [asyncio.ensure_future(wait(name)) for name in came]
    await asyncio.sleep(0)
    waiters.see(UpstreamStateChanged(UpstreamState.STEADY, UpstreamState.OPEN, "it hangs"))
    await asyncio.gather(*tasks)
    assert gone == came
