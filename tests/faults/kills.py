"""One seed of the kills: a short surge, a gateway that dies at a failpoint, and the verdict.

Everything is drawn from the seed: where it dies and the how-manieth time that edge is passed, what
the server is like, what stations ask for. The gateway is a real process on a real file; the
recording server runs in the test.
"""

import asyncio
import os
import random
import re
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from gateway.failpoints import NAMES
from gateway.wiring import FAILPOINTS
from loadtests.server.model import Model
from loadtests.verdict import PASSED, judge
from tests.acceptance.processes import Gateway, ask
from tests.acceptance.scene import FORGETFUL, UNDELIVERED, harm
from tests.acceptance.stations import Surge
from tests.faults.recorder import recorder

ENROLLMENTS: Final = 24
MANY_ENROLLMENTS: Final = 160
"""So many fill the log, and it is written back."""
MOST_BYTES: Final = 40_000
"""More than half of the bodies are large: they go into a file of their own."""
UP_SECONDS: Final = 10.0
"""How soon it must be up again, where it has a core of its own."""
PATIENCE: Final = 240.0

_ORDER: Final = tuple(random.Random("points").sample(NAMES, len(NAMES)))
_FIRED: Final = re.compile(r'"failpoint".*?"reason": "([a-z-]+): kill"')
# Edges that a first life may never come to: only doubt is looked up.
_AFTER_A_CRASH: Final = ("look-up", "open", "begin")
# Steps that only those take who wait for the server's own answer.
_LIVE: Final = ("reserve", "launch", "wait")
# So often each step is taken, nearly surely; most are by every enrollment.
_USUAL: Final = 12
_TAKEN: Final = {
    **dict.fromkeys(("recover", "tidy"), 1),
    **dict.fromkeys(("look-up", "write-body", "sync-bodies", *_LIVE), 4),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn from a seed.

    Attributes:
        lives: for each life that ends, where: an order for a failpoint.
        enrollments: how many stations send.
        forgetful: the server does not honour keys; it can be asked what it recorded.
        async_share: how many stations prefer a receipt.
        desks: how many ordering keys there are.
        plain: the last start is that of a new interpreter; else it is forked from one.
    """

    seed: int
    lives: tuple[str, ...]
    enrollments: int
    forgetful: bool
    async_share: float
    desks: int
    plain: bool


def plan_of(seed: int) -> Plan:
    """Draw it. Consecutive seeds go through all failpoints."""
    rng = random.Random(seed)
    point = _ORDER[seed % len(_ORDER)]
    step = point.partition("-")[2]
    order = f"{point}=kill@{rng.randint(1, _TAKEN.get(step, _USUAL))}"
    second = rng.random() < 0.25 or point.endswith(_AFTER_A_CRASH)
    return Plan(
        seed=seed,
        lives=(f"after-send=kill@{rng.randint(2, 8)}", order) if second else (order,),
        enrollments=MANY_ENROLLMENTS if step == "tidy" else ENROLLMENTS,
        forgetful=rng.random() < 0.5 or point.endswith("look-up"),
        async_share=rng.choice((0.0, 0.5) if step in _LIVE else (0.0, 0.5, 1.0)),
        desks=rng.choice((0, 0, 4)),
        plain=seed % 10 == 0,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed.

    Attributes:
        plan: what was drawn.
        fired: the failpoints at which it died; an edge that was not passed so often is missing.
        up_seconds: how long the slowest start took, until it was ready.
        trouble: what must not be; empty: all is well.
    """

    plan: Plan
    fired: tuple[str, ...]
    up_seconds: float
    trouble: str


async def run(seed: int, folder: Path) -> Outcome:
    """Play it in an empty folder; again, where another program took a port meanwhile."""
    for number in count():
        place = folder / str(number)
        place.mkdir()
        outcome = await _play(plan_of(seed), place)
        log = (place / "gateway.log").read_text(errors="replace")
        if "address already in use" not in log or number == 2:
            return outcome
    raise AssertionError("never reached")


async def _play(plan: Plan, folder: Path) -> Outcome:
    settings = {
        "intake.hold_seconds": 1,
        "upstream.timeout_seconds": 2,
        "retry.base_seconds": 0.1,
        "retry.cap_seconds": 0.5,
        **(FORGETFUL if plan.forgetful else {}),
    }
    model = Model(workers=4, service_seconds=0.01)
    async with recorder(folder, model=model, seed=plan.seed, honours_key=not plan.forgetful) as url:
        with Gateway(folder, url, settings) as gateway:
            return await _Run(plan, folder, gateway).play()


class _Run:
    def __init__(self, plan: Plan, folder: Path, gateway: Gateway) -> None:
        self._plan = plan
        self._folder = folder
        self._gateway = gateway
        self._slowest = 0.0
        self._surge = Surge(
            gateway.url,
            folder,
            count=plan.enrollments,
            rate=80.0,
            seed=plan.seed,
            async_share=plan.async_share,
            desks=plan.desks,
            look_seconds=0.1,
            most_bytes=MOST_BYTES,
        )

    async def play(self) -> Outcome:
        stations = asyncio.create_task(self._surge.run())
        try:
            for order in self._plan.lives:
                await self._live(order)
            await self._start()
            await asyncio.wait_for(stations, PATIENCE)
            await self._drained()
        except (AssertionError, OSError) as trouble:
            return self._outcome(f"{type(trouble).__name__}: {trouble}")
        finally:
            stations.cancel()
        return self._outcome(self._judge())

    async def _live(self, order: str) -> None:
        """One life that ends at its failpoint; or from outside, when that is not come to."""
        began = time.monotonic()
        self._gateway.launch(environ={FAILPOINTS: order}, fork=True)
        process = self._gateway.running.process
        ready = False
        patience = PATIENCE
        while process.poll() is None and time.monotonic() - began < patience:
            await asyncio.sleep(0.02)
            if not ready and await asyncio.to_thread(_is_ready, self._gateway):
                ready = True
                self._up(time.monotonic() - began)
            if ready and not self._surge.undecided and self._surge.sent == self._plan.enrollments:
                patience = 0.0  # there is nothing left to come to it with
        assert process.returncode in {None, -9}, f"ended with {process.returncode}"
        self._gateway.kill()

    async def _start(self) -> None:
        began = time.monotonic()
        self._gateway.launch(fork=not self._plan.plain)
        process = self._gateway.running.process
        while not await asyncio.to_thread(_is_ready, self._gateway):
            assert process.poll() is None, f"ended with {process.poll()}"
            assert time.monotonic() - began < PATIENCE, "it did not come up"
            await asyncio.sleep(0.05)
        self._up(time.monotonic() - began)

    def _up(self, seconds: float) -> None:
        self._slowest = max(self._slowest, seconds)

    async def _drained(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            found = await asyncio.to_thread(self._gateway.reconciliation)
            if not any(found[status] for status in UNDELIVERED):
                break
            assert time.monotonic() < deadline, f"not drained: {found}"
            await asyncio.sleep(0.05)
        assert found["balanced"] is True, found
        assert found["accepted"] == found["delivered"] == self._plan.enrollments, found

    def _judge(self) -> str:
        verdict = judge(self._folder)
        if verdict.exit_code == PASSED and not harm(verdict) and not self._surge.undecided:
            crowded = max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0)
            in_time = self._slowest < UP_SECONDS * crowded
            return "" if in_time else f"up after {self._slowest:.1f} s"
        return f"{harm(verdict)} {verdict.sentence}"

    def _outcome(self, trouble: str) -> Outcome:
        log = (self._folder / "gateway.log").read_text(errors="replace")
        return Outcome(self._plan, tuple(_FIRED.findall(log)), self._slowest, trouble)


def _is_ready(gateway: Gateway) -> bool:
    try:
        return ask("GET", f"{gateway.admin}/readyz")[0] == 200
    except OSError:
        return False
