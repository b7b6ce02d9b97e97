"""Delivery by turns, on virtual time: one gateway sends, all say the same of the upstream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from gateway.core.admission import Changed, Outlook, UpstreamView
from gateway.core.facts import Fact, JournalRecovered, TurnChanged, UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.outcome import NotConnected
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.memory import Memory
from gateway.delivery.turns import Turns
from gateway.delivery.word import NOBODY, Word, heard, said
from simulation import virtual_time
from tests.support.bench import Bench, new_bench
from tests.support.scripted_transport import ScriptedTransport
from tests.support.shared_memory import Common, Member


@dataclass
class Gateway:
    """One of two. ``facts`` are those that it published of its turns."""

    bench: Bench
    member: Member
    turns: Turns
    facts: list[Fact]


async def gateway(common: Common, name: str, transport: ScriptedTransport, bench: Bench) -> Gateway:
    member = Member(common, name)
    facts: list[Fact] = []

    async def make() -> Dispatcher:
        one = replace(
            bench,
            journal=member,  # type: ignore[arg-type]
            transport=transport,
        )
        courier = one.dispatcher._carrying._courier
        courier.may_send = member.may_send
        one.dispatcher._may_send = member.may_send
        return one.dispatcher

    turns = Turns(
        journal=member,
        make=make,
        memory=Memory(common.journal, bench.clock),
        clock=bench.clock,
        publish=facts.append,
    )
    return Gateway(bench, member, turns, facts)


@dataclass
class Both:
    common: Common
    bench: Bench
    transports: dict[str, ScriptedTransport]
    first: Gateway
    second: Gateway

    def sent(self, name: str) -> list[str]:
        return self.transports[name].order


@contextlib.asynccontextmanager
async def both() -> AsyncIterator[Both]:
    bench = await new_bench()
    common = Common(bench.journal)
    transports = {"a": ScriptedTransport(), "b": ScriptedTransport()}
    first = await gateway(common, "a", transports["a"], bench)
    second = await gateway(common, "b", transports["b"], bench)
    tasks = [asyncio.ensure_future(each.turns.run()) for each in (first, second)]
    await asyncio.sleep(2)
    try:
        yield Both(common, bench, transports, first, second)
    finally:
        for each in (first, second):
            await each.turns.stop(grace_seconds=1)
        await asyncio.gather(*tasks)


async def take_in(pair: Both, at: Gateway, key: str) -> str:
    enrollment = pair.bench.enrollment(key)
    entry = pair.bench.sealer.seal(enrollment, rank=enrollment.accepted_at)
    await at.member.accept(entry, sending=False)
    at.turns.enqueue(enrollment, rank=entry.rank, live=False)
    return enrollment.id


def test_what_comes_in_anywhere_is_sent_by_the_one_whose_turn_it_is() -> None:
    async def scene() -> None:
        async with both() as pair:
            await take_in(pair, pair.first, "here")
            await take_in(pair, pair.second, "there")
            await asyncio.sleep(0.5)
            assert sorted(pair.sent("a")) == ["here", "there"]
            assert pair.sent("b") == []

    virtual_time.run(scene())


def test_a_lost_hint_costs_a_moment_and_nothing_else() -> None:
    async def scene() -> None:
        async with both() as pair:
            pair.common.hints = False
            await take_in(pair, pair.second, "there")
            await asyncio.sleep(3)
            assert pair.sent("a") == ["there"]

    virtual_time.run(scene())


def test_the_next_one_sends_what_is_left_and_the_last_one_nothing_more() -> None:
    async def scene() -> None:
        async with both() as pair:
            pair.transports["a"].seconds = 100.0
            stuck = await take_in(pair, pair.first, "stuck")
            await asyncio.sleep(1)
            pair.common.pass_on("b")
            await take_in(pair, pair.first, "late")
            await asyncio.sleep(60)
            assert pair.sent("a") == ["stuck"]
            assert pair.transports["a"].outstanding == 0
            assert sorted(pair.sent("b")) == ["late", "stuck"]
            kept = await pair.common.journal.find(stuck)
            assert kept is not None
            assert (kept.life.status, kept.life.attempts) == (Status.DELIVERED, 2)
            assert JournalRecovered(1) in pair.second.facts
            assert TurnChanged(mine=True, epoch=2, holder="b") in pair.second.facts
            assert TurnChanged(mine=False, epoch=2, holder="b") in pair.first.facts

    virtual_time.run(scene())


def test_nothing_is_sent_while_the_time_of_the_turn_is_over() -> None:
    async def scene() -> None:
        async with both() as pair:
            pair.first.member.lapsed = True
            await take_in(pair, pair.first, "one")
            assert pair.first.turns.reserve("any") is False
            await asyncio.sleep(30)
            assert pair.sent("a") == []
            pair.first.member.lapsed = False
            await asyncio.sleep(5)
            assert pair.sent("a") == ["one"]

    virtual_time.run(scene())


def test_a_slot_is_given_only_where_delivery_is() -> None:
    async def scene() -> None:
        async with both() as pair:
            assert pair.second.turns.reserve("x") is False
            assert pair.first.turns.reserve("x") is True
            pair.first.turns.withdraw("x")

    virtual_time.run(scene())


def test_an_intent_of_an_old_turn_is_not_sent_any_more() -> None:
    async def scene() -> None:
        async with both() as pair:
            enrollment = pair.bench.enrollment("live")
            assert pair.first.turns.reserve(enrollment.id)
            entry = pair.bench.sealer.seal(enrollment, rank=0.0)
            await pair.first.member.accept(entry, sending=True)
            pair.common.pass_on("b")
            await asyncio.sleep(30)
            pair.common.pass_on("a")
            await asyncio.sleep(3)
            pair.first.turns.launch(enrollment)
            await asyncio.sleep(30)
            assert pair.sent("a") == []
            assert pair.sent("b") == ["live"]

    virtual_time.run(scene())


def test_all_say_what_the_one_that_delivers_says() -> None:
    async def scene() -> None:
        async with both() as pair:
            for number in range(20):
                await take_in(pair, pair.first, f"key-{number}")
            await asyncio.sleep(5)
            here, there = pair.first.turns.outlook(), pair.second.turns.outlook()
            assert (here.here, there.here) == (True, False)
            assert (there.state, there.window) == (here.state, here.window)
            view = pair.second.turns.upstream()
            assert (view.by, view.state) == ("a", UpstreamState.SLOW_START)
            assert view == pair.first.turns.upstream()

    virtual_time.run(scene())


@pytest.mark.parametrize("hints", [True, False])
def test_a_pause_holds_wherever_it_was_said_and_over_a_change_of_hands(hints: bool) -> None:  # noqa: FBT001 - a table
    async def scene() -> None:
        async with both() as pair:
            pair.common.hints = hints
            await pair.second.turns.pause("maintenance")
            await asyncio.sleep(2.5)
            for each in (pair.first, pair.second):
                assert each.turns.upstream().state is UpstreamState.PAUSED
                assert each.turns.upstream().reason == "maintenance"
            await take_in(pair, pair.first, "one")
            await asyncio.sleep(10)
            pair.common.pass_on("b")
            await asyncio.sleep(10)
            assert pair.sent("a") == pair.sent("b") == []
            await pair.first.turns.resume()
            await asyncio.sleep(10)
            assert pair.sent("b") == ["one"]

    virtual_time.run(scene())


def test_a_gateway_that_only_takes_in_is_told_that_the_server_is_down() -> None:
    async def scene() -> None:
        async with both() as pair:
            seen: list[Fact] = []
            pair.second.turns.watch(seen.append)
            pair.transports["a"].script = lambda _, __: NotConnected("refused")
            for number in range(10):
                await take_in(pair, pair.first, f"key-{number}")
            await asyncio.sleep(10)
            assert [getattr(fact, "to_state", None) for fact in seen] == [UpstreamState.OPEN]

    virtual_time.run(scene())


OUTLOOK = Outlook(UpstreamState.STEADY, 12, 3, 100, 2, 4.5, None, here=False)
CHANGES = (Changed(1000.0, "state", "slow_start", "steady", "fine"),)
VIEW = UpstreamView(UpstreamState.STEADY, 1000.0, "fine", 12, 3, 1, "a", CHANGES)


def test_a_word_is_heard_as_it_was_said() -> None:
    assert heard(said(Word(OUTLOOK, VIEW))) == Word(OUTLOOK, VIEW)


def test_a_word_of_another_version_is_understood_as_far_as_it_goes() -> None:
    newer = said(Word(OUTLOOK, VIEW)).replace('"window": 12', '"window": 12, "mood": "good"')
    assert heard(newer) == Word(OUTLOOK, VIEW)
    older = said(Word(OUTLOOK, VIEW)).replace(', "by": "a"', "")
    assert heard(older).upstream == replace(VIEW, by=None)


@pytest.mark.parametrize("text", ["", "{}", "no JSON", '{"outlook": {"state": "new"}}', "[1]"])
def test_what_cannot_be_understood_is_nobodys_word(text: str) -> None:
    assert heard(text) == NOBODY
