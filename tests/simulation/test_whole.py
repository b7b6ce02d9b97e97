"""Whole histories: many seeds hold, one repeats to the letter, and bugs planted on purpose show."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pool
from random import Random

import pytest

from gateway.core import decide
from gateway.core.limiter import Limiter, Sample
from gateway.core.outcome import Finding
from gateway.delivery.backlog import Backlog
from gateway.journal.contract import Accepted, Entry, Existing
from gateway.journal.memory import MemoryJournal
from simulation.whole.journal import WatchedJournal
from simulation.whole.play import broken_by, play_seed

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "1000"))

_DIGEST = "from simulation.whole.play import play_seed; print(play_seed({}).history.digest())"


@pytest.mark.timeout(900)  # a minute and a half on two cores; a busy machine needs longer
def test_no_seed_breaks_an_invariant() -> None:
    with Pool(os.cpu_count()) as pool:
        played = pool.map(broken_by, range(SEEDS), chunksize=20)
    assert {seed: broken for seed, broken in played if broken} == {}


@pytest.mark.parametrize("seed", [3, 28])
def test_a_seed_gives_the_same_history_whatever_the_order_of_hashes(seed: int) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST.format(seed)],
            env=os.environ | {"PYTHONHASHSEED": hashing},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hashing in ("1", "2")
    }
    assert digests == {play_seed(seed).history.digest() + "\n"}


def first_broken(most: int = 300) -> tuple[int, str] | None:
    """The first seed that shows a bug, and what of it."""
    for seed in range(most):
        broken = play_seed(seed).broken
        if broken:
            return seed, broken[0]
    return None


def ghosts_that_free_their_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = Limiter.finish

    def careless(self: Limiter, name: str, sample: Sample, *, now: float) -> object:
        return finish(self, name, Sample(sample.outcome, sample.duration), now=now)

    monkeypatch.setattr(Limiter, "finish", careless)


def promises_that_are_not_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(self: MemoryJournal) -> None:
        del self

    monkeypatch.setattr(MemoryJournal, "_committed", at_once)


def a_second_send_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = decide.triage

    def blind(case: decide.Case, policy: decide.DeliveryPolicy, *, now: float) -> decide.Triage:
        what = usual(case, policy, now=now)
        return decide.Triage.SEND if what is decide.Triage.LOOK_UP else what

    monkeypatch.setattr("gateway.delivery.filling.triage", blind)


def a_settle_time_that_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = decide.after_lookup

    def hasty(
        case: decide.Case,
        finding: Finding,
        policy: decide.DeliveryPolicy,
        *,
        now: float,
        running_since: float,
        rng: Random,
    ) -> decide.Consequence | None:
        del running_since
        never = replace(policy, settle_seconds=0.0)
        return usual(case, finding, never, now=now, running_since=-math.inf, rng=rng)

    monkeypatch.setattr("gateway.delivery.courier.after_lookup", hasty)


def an_order_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = WatchedJournal.accept

    async def unordered(
        self: WatchedJournal, entry: Entry, *, sending: bool
    ) -> Accepted | Existing:
        return await accept(self, replace(entry, ordering=None), sending=sending)

    monkeypatch.setattr(WatchedJournal, "accept", unordered)


def what_is_in_hand_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refill = Backlog.refill

    async def forgetful(self: Backlog, *, now: float, least: int, in_hand: object) -> None:
        del in_hand
        await refill(self, now=now, least=least, in_hand=())

    monkeypatch.setattr(Backlog, "refill", forgetful)


@pytest.mark.parametrize(
    ("bug", "shown"),
    [
        (ghosts_that_free_their_slot, "ghosts in a window"),
        (promises_that_are_not_durable, "durable"),
        (a_second_send_without_a_look, "blindly"),
        (a_settle_time_that_is_ignored, "blindly"),
        (an_order_that_is_forgotten, "order"),
        (what_is_in_hand_started_again, "runs already"),
    ],
)
def test_a_bug_planted_on_purpose_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    found = first_broken()
    assert found is not None
    assert shown in found[1], found
