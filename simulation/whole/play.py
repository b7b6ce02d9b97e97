"""Play one history on a loop of its own."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from simulation.whole.draw import draw
from simulation.whole.history import History
from simulation.whole.judging import judge
from simulation.whole.loop import EndlessError, SteppingLoop
from simulation.whole.scenario import Scenario
from simulation.whole.world import World

MOST_TURNS = 500_000
"""Of the event loop. The longest histories take some thirty thousand."""


@dataclass(frozen=True, slots=True)
class Played:
    """One history, played.

    Attributes:
        broken: every invariant that did not hold, the first one first; empty is good.
        tally: how often what happened.
        seconds: virtual time.
    """

    seed: int
    broken: tuple[str, ...]
    tally: Counter[str]
    seconds: float
    history: History


def play(scenario: Scenario) -> Played:
    """Play it to its end, or to the first broken invariant."""
    loop = SteppingLoop(most=MOST_TURNS)
    worlds: list[World] = []

    async def main() -> None:
        world = World(scenario, loop)
        worlds.append(world)
        await world.play()
        if not world.broken:
            judge(world)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(main())
        except EndlessError:
            worlds[0].complain(f"no end after {MOST_TURNS} turns of the event loop")
        world = worlds[0]
        return Played(scenario.seed, tuple(world.broken), world.tally, loop.time(), world.history)


def play_seed(seed: int) -> Played:
    """Draw and play it."""
    return play(draw(seed))


def broken_by(seed: int) -> tuple[int, tuple[str, ...]]:
    """The seed, and what it breaks."""
    return seed, play_seed(seed).broken
