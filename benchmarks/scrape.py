"""``python -m benchmarks.scrape``: what a look at the metrics costs, at three backlogs, in turn.

The journals are filled by SQL with rows as the gateway writes them, empty bodies apart: a million
through the door would take hours, and a look must not depend on them anyway.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import apsw

from benchmarks.gateway import Gateway, gateway
from benchmarks.programs import BenchmarkFault, Cores, free_port
from benchmarks.report import amount
from benchmarks.statistics import paired, spread

BACKLOGS: Final = (0, 155_000, 1_000_000)
GOAL: Final = 1.2
ROUNDS: Final = 15
LOOKS: Final = 20
"""In each round; the least of them counts: what disturbs a look only ever makes it longer."""

_ACCEPTED_AT: Final = 1_790_000_000.0
_ENROLLMENT: Final = (
    "INSERT INTO enrollment (seq, id, identity, fingerprint, station, status, phase, priority,"
    " rank, attempts, size, accepted_at, next_attempt_at)"
    " VALUES (?, ?, ?, x'', 'desk', 'pending', 'ready', 3, ?, 0, 0, ?, ?)"
)
_CONTENT: Final = (
    "INSERT INTO content (seq, envelope_key, body_key, envelope)"
    " VALUES (?, zeroblob(40), zeroblob(40), zeroblob(60))"
)
_BODY: Final = "INSERT INTO body (seq, data) VALUES (?, zeroblob(16))"
_COUNTED: Final = "UPDATE counter SET value = value + ? WHERE name IN ('accepted', 'pending')"


def measure(cores: Cores, folder: Path) -> dict[int, list[float]]:
    """Seconds for a look, round by round, at each backlog; the gateways run side by side."""
    with ExitStack() as stack:
        gateways = {
            backlog: stack.enter_context(_holding(backlog, cores, folder / str(backlog)))
            for backlog in BACKLOGS
        }
        for backlog, one in gateways.items():
            if one.count("enrollments", status="pending") != backlog:
                raise BenchmarkFault(f"the journal of {backlog:,} was not taken as it was filled")
        return _in_turn(gateways)


def _in_turn(gateways: dict[int, Gateway]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {backlog: [] for backlog in gateways}
    for _ in range(ROUNDS):
        for backlog, one in gateways.items():
            found[backlog].append(min(one.scrape() for _ in range(LOOKS)))
    return found


@contextmanager
def _holding(backlog: int, cores: Cores, folder: Path) -> Iterator[Gateway]:
    """A gateway with so many undelivered, paused, so that they stay."""
    folder.mkdir()
    nobody = free_port()
    with gateway(cores, folder, upstream_port=nobody) as one:
        one.ask("pause", method="POST", body={"reason": "measuring"})
    fill(folder / "journal.db", backlog)
    with gateway(cores, folder, upstream_port=nobody) as one:
        yield one


def fill(journal: Path, backlog: int) -> None:
    """Add so many pending enrollments to a journal that nobody has open."""
    connection = apsw.Connection(str(journal))
    with connection:
        connection.executemany(_ENROLLMENT, _rows(backlog))
        for statement in (_CONTENT, _BODY):
            connection.executemany(statement, ((number,) for number in range(1, backlog + 1)))
        connection.execute(_COUNTED, (backlog,))
    connection.close()


def _rows(count: int) -> Iterator[tuple[int, str, bytes, float, float, float]]:
    for number in range(1, count + 1):
        at = _ACCEPTED_AT + number / 10
        yield number, f"0197a000-0000-7000-8000-{number:012x}", number.to_bytes(32), at, at, at


def main() -> int:
    """Exit code 0: the goal is met; 1: it is not, or could not be measured."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        found = measure(Cores.chosen(), Path(folder))
    least, *others = BACKLOGS
    met = True
    print(f"A look at the metrics, {ROUNDS} rounds in turn, the best of {LOOKS} looks in each:")
    for backlog in BACKLOGS:
        taken = spread([seconds * 1e3 for seconds in found[backlog]])
        line = f"  {backlog:>9,} undelivered: {amount(taken.median)} ms"
        if backlog in others:
            ratio = paired(found[backlog], found[least])
            met = met and ratio.median <= GOAL
            line += f", ratio {ratio.median:.2f} ({ratio.least:.2f}-{ratio.greatest:.2f})"
            line += f", goal ≤ {GOAL}: {'met' if ratio.median <= GOAL else 'NOT MET'}"
        print(line)
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkFault as fault:
        sys.exit(f"benchmarks: {fault}")
