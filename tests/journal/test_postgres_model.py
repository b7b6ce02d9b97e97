"""PostgreSQL beside the reference: whatever is done to them, they must tell the same."""

import functools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gateway.core.lifecycle import FINAL, Status
from gateway.core.shares import Line, Shares
from gateway.journal.contract import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.postgres import PostgresJournal
from tests.journal.conftest import new_place
from tests.journal.test_model import BothStores
from tests.support.postgres import Server


class NoShares(Shares):
    """Every station goes by age alone, as the contract allows a store that counts no shares."""

    def joined(self, station: str, *, accepted_at: float) -> Line:
        return Line(self.line(station).waiting + 1, accepted_at)


class WithoutLag(MemoryJournal):
    """The reference, as PostgreSQL is: no station lags behind its own age."""

    async def open(self, *, now: float) -> int:
        recovered = await super().open(now=now)
        shares = NoShares()
        for station in {row.life.station for row in self._state.rows.values()}:
            shares.put(station, self._index.shares.line(station))
        self._index.shares = shares
        return recovered


class WithPostgres(BothStores):
    """The same random work; every run in an empty schema."""

    def __init__(self, server: Server) -> None:
        self.server = server
        super().__init__()

    def reference(self) -> Journal:
        return WithoutLag()

    def other(self) -> Journal:
        url = new_place(self.server)
        self.schema = url.rpartition("=")[2]
        return PostgresJournal(url)

    def counters_and_erasure_agree_with_the_rows(self) -> None:
        def table(statement: str) -> list[list[str]]:
            found = self.server.sql(f"SET search_path = {self.schema}; {statement}")
            return [line.split("|") for line in found.splitlines()]

        counters = table("SELECT name, sum(value) FROM counter GROUP BY name")
        found = {name: int(value) for name, value in counters}
        rows = table("SELECT status, count(*) FROM enrollment GROUP BY 1")
        assert {status: found.get(status, 0) for status in Status} == dict.fromkeys(Status, 0) | {
            Status(status): int(count) for status, count in rows
        }
        bodies = table(
            "SELECT status, body.id IS NULL, content.id IS NULL FROM enrollment"
            " LEFT JOIN body USING (id) LEFT JOIN content USING (id)"
        )
        for status, erased, lost in bodies:
            assert (erased == "t") == (status in FINAL)
            assert lost == "f"
        # What is alive is what is counted: nothing else is left in the side tables.
        alive = table(
            "SELECT coalesce(sum(octet_length(data)), 0) + (SELECT coalesce(sum("
            "512 + octet_length(envelope) + coalesce(octet_length(answer), 0)), 0) FROM content)"
            " FROM body"
        )
        assert int(alive[0][0]) == found.get("bytes", 0)
        self.server.sql(f"DROP SCHEMA {self.schema} CASCADE")


@pytest.mark.timeout(300)
def test_postgresql_tells_what_the_reference_tells(postgres_server: Server) -> None:
    run_state_machine_as_test(
        functools.partial(WithPostgres, postgres_server),  # type: ignore[arg-type]
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
