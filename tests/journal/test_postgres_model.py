"""PostgreSQL beside the reference: whatever is done to them, they must tell the same."""

import functools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gateway.core.lifecycle import FINAL, Status
from gateway.journal.contract import Journal
from gateway.journal.postgres import PostgresJournal
from tests.journal.conftest import new_place
from tests.journal.test_model import BothStores
from tests.support.postgres import Server


class WithPostgres(BothStores):
    """The same random work; every run in an empty schema."""

    def __init__(self, server: Server) -> None:
        self.server = server
        super().__init__()

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
        waiting = table(
            "SELECT name, sum(waiting) FROM station GROUP BY 1 HAVING sum(waiting) <> 0"
        )
        undelivered = "status IN ('pending', 'sending', 'in_doubt')"
        lines = table(f"SELECT station, count(*) FROM enrollment WHERE {undelivered} GROUP BY 1")  # noqa: S608 - constants
        assert sorted(waiting) == sorted(lines)
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
