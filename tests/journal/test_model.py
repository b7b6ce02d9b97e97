"""Both stores side by side: whatever is done to them, they must tell the same."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.lifecycle import FINAL, Status
from gateway.core.rank import rank
from gateway.journal.contract import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.sqlite.bodies import store as bodies
from gateway.journal.sqlite.opening import SETTINGS
from tests.journal.entries import entry, to

T = TypeVar("T")
QUICK = {**SETTINGS, "synchronous": 0}  # what is durable is tested elsewhere
NUMBERS = st.integers(1, 12)
LINES = st.sampled_from([None, None, "a", "b"])
WAITING = {Status.PENDING, Status.IN_DOUBT}


class BothStores(RuleBasedStateMachine):
    """Random work on the reference and on another store, here SQLite."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.runner = asyncio.Runner()
        self.stores: tuple[Journal, Journal] = (self.reference(), self.other())

    def reference(self) -> Journal:
        """The plain reference."""
        return MemoryJournal()

    def other(self) -> Journal:
        """The store that is compared with the reference."""
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.db"
        return SqliteJournal(self.path, settings=QUICK)

    @initialize()
    def opens(self) -> None:
        self.both(lambda store: store.open(now=self.now))

    def both(self, call: Callable[[Journal], Awaitable[T]]) -> T:
        async def run() -> tuple[T, T]:
            return await call(self.stores[0]), await call(self.stores[1])

        reference, other = self.runner.run(run())
        assert other == reference
        return reference

    @rule(seconds=st.sampled_from([0.5, 5.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=NUMBERS, priority=st.integers(2, 4), line=LINES, sending=st.booleans())
    def accept(self, *, number: int, priority: int, line: str | None, sending: bool) -> None:
        if self.both(lambda store: store.find(entry(number).id)) is None:
            place = rank(accepted_at=self.now, priority=priority)
            new = entry(number, rank=place, line=line, accepted_at=self.now)
            new = replace(new, priority=priority)
            self.both(lambda store: store.accept(new, sending=sending))

    @rule(number=st.integers(13, 10_000), same=NUMBERS, sending=st.booleans())
    def accept_the_same_under_another_id(self, *, number: int, same: int, sending: bool) -> None:
        if self.both(lambda store: store.find(entry(number).id)) is None:
            same_again = f"identity-{same}"
            new = entry(number, identity=same_again, rank=self.now, accepted_at=self.now)
            self.both(lambda store: store.accept(new, sending=sending))

    @rule(number=NUMBERS)
    def begin(self, number: int) -> None:
        self.both(lambda store: store.begin(entry(number).id, now=self.now))

    @rule(
        number=NUMBERS,
        status=st.sampled_from(Status),
        delay=st.sampled_from([0.0, 1.0, 30.0]),
        was=st.none() | st.sampled_from(Status),
    )
    def change(self, number: int, status: Status, delay: float, was: Status | None) -> None:
        change = to(status, at=self.now + delay if status in WAITING else None, was=was)
        self.both(lambda store: store.change(entry(number).id, change, now=self.now))

    @rule(limit=st.integers(1, 5))
    def attempt_what_is_due(self, limit: int) -> None:
        page = self.both(lambda store: store.due(now=self.now, limit=limit))
        for each in page.items:
            self.both(lambda store, found=each.id: store.begin(found, now=self.now))  # type: ignore[misc]

    @rule(age=st.sampled_from([-1.0, 5.0, 60.0]), limit=st.integers(1, 3))
    def forget(self, age: float, limit: int) -> None:
        self.both(lambda store: store.forget(settled_before=self.now - age, limit=limit))

    @rule(
        statuses=st.lists(st.sampled_from(Status), max_size=3),
        after=st.none() | NUMBERS,
        age=st.none() | st.sampled_from([0.0, 5.0]),
        limit=st.integers(1, 4),
    )
    def look(
        self, statuses: list[Status], after: int | None, age: float | None, limit: int
    ) -> None:
        self.both(
            lambda store: store.list(
                statuses=statuses,
                accepted_before=None if age is None else self.now - age,
                after=None if after is None else entry(after).id,
                limit=limit,
            )
        )

    @rule()
    def open_again(self) -> None:
        self.both(lambda store: store.close())
        self.both(lambda store: store.open(now=self.now))

    @invariant()
    def the_same_is_due_and_the_sums_agree(self) -> None:
        self.both(lambda store: store.due(now=self.now, limit=100))
        totals = self.both(lambda store: store.totals())
        assert totals.accepted == sum(totals.by_status.values()) + sum(totals.forgotten.values())
        lives = self.both(lambda store: store.list(limit=1000))
        for status in Status:
            assert totals.by_status[status] == sum(life.status is status for life in lives)

    def teardown(self) -> None:
        self.both(lambda store: store.close())
        self.runner.close()
        self.counters_and_erasure_agree_with_the_rows()

    def counters_and_erasure_agree_with_the_rows(self) -> None:
        connection = apsw.Connection(str(self.path))
        try:
            counters = dict(connection.execute("SELECT name, value FROM counter"))
            rows = dict(connection.execute("SELECT status, count(*) FROM enrollment GROUP BY 1"))
            bodies = connection.execute(
                "SELECT status, coalesce(length(body), length) IS NULL, body_key IS NULL"
                " FROM enrollment LEFT JOIN sealed USING (seq)"
            ).fetchall()
            contents = connection.execute("SELECT count(*) FROM content").get
            apart = connection.execute(
                "SELECT (SELECT count(*) FROM body) + (SELECT count(*) FROM extent)"
            ).get
        finally:
            connection.close()
        self.folder.cleanup()
        assert {status: counters[status] for status in Status} == dict.fromkeys(Status, 0) | rows
        assert contents == len(bodies)
        assert apart == sum(status not in FINAL for status, _, _ in bodies)
        for status, erased, key_erased in bodies:
            assert erased == key_erased == (status in FINAL)


class BothStoresOfLargeBodies(BothStores):
    """The same, as if each body were large."""

    def other(self) -> Journal:
        """The store that keeps them apart."""
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(bodies, "LARGE", 0)
        return super().other()

    def teardown(self) -> None:
        """Look, and undo it."""
        self.patch.undo()
        super().teardown()


TestBothStores = BothStores.TestCase
TestBothStores.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestBothStoresOfLargeBodies = BothStoresOfLargeBodies.TestCase
TestBothStoresOfLargeBodies.settings = TestBothStores.settings
