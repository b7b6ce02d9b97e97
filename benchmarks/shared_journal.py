"""``python -m benchmarks.shared_journal``: what the journal on PostgreSQL costs, beside its limits.

Everything is measured in one run on one disk, in turn, and told as a ratio: to the SQLite journal,
and to plain inserts of the same rows into the same server. The journals are driven directly, so
that the machine's cores are not shared with HTTP.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg
import uvloop

from benchmarks import backlog
from benchmarks.entries import entry
from gateway.journal.contract import Accepted, Entry, Journal
from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.accepting import _INSERT
from gateway.journal.sqlite import SqliteJournal
from tests.acceptance.processes import Gateway, RecordingServer, ask
from tests.support.postgres import Server, one_server, url_of

SECONDS: Final = 5.0
ROUNDS: Final = 3
AT_ONCE: Final = 64
SIZES: Final = (2_000, 200_000)
LOOKS: Final = 80
MILLION: Final = 1_000_000
SOAK_ROUNDS: Final = 10
SMALL: Final = 1_000_000  # bytes; a table below them is not told
Ask: TypeAlias = Callable[[PostgresJournal], Awaitable[object]]


async def accepted(journal: Journal, size: int, seconds: float) -> float:
    """Enrollments accepted per second, ``AT_ONCE`` stations at a time."""
    deadline = time.monotonic() + seconds
    count = 0

    async def station() -> None:
        nonlocal count
        while time.monotonic() < deadline:
            assert isinstance(await journal.accept(entry(size), sending=False), Accepted)  # noqa: S101 - else nothing was measured
            count += 1

    began = time.monotonic()
    await asyncio.gather(*(station() for _ in range(AT_ONCE)))
    return count / (time.monotonic() - began)


async def with_journal(journal: Journal, size: int) -> float:
    """One gateway's journal."""
    await journal.open(now=time.time())
    rate = await accepted(journal, size, SECONDS)
    await journal.close()
    return rate


async def several(url: str, size: int, gateways: int) -> float:
    """So many gateways' journals, each in a process of its own."""
    module = ("-m", "benchmarks.shared_journal", "--one", url, "--size", str(size))
    parts = [
        await asyncio.create_subprocess_exec(
            sys.executable, *module, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(gateways)
    ]
    told = await asyncio.gather(*(part.communicate() for part in parts))
    return sum(float(json.loads(out)) for out, _ in told)


async def plain(url: str, size: int) -> float:
    """The same rows, one to a statement and a commit, over as many connections as stations / 4."""
    connections = [await asyncpg.connect(url) for _ in range(AT_ONCE // 4)]
    deadline = time.monotonic() + SECONDS
    count = 0

    async def client(connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        nonlocal count
        insert = await connection.prepare(_INSERT)
        while time.monotonic() < deadline:
            await insert.fetch(*([value] for value in _columns(entry(size))))
            count += 1

    began = time.monotonic()
    await asyncio.gather(*(client(connection) for connection in connections))
    rate = count / (time.monotonic() - began)
    for connection in connections:
        await connection.close()
    return rate


def _columns(one: Entry) -> tuple[Any, ...]:
    return (
        *(one.id, one.identity, one.fingerprint, None, one.station, "pending", "ready", 3),
        *(one.rank, 0, one.size, one.accepted_at, one.accepted_at, None),
        *(one.envelope.key, one.envelope.data, one.body.key, one.body.data),
    )


async def throughput(server: Server, folder: Path, sizes: Sequence[int]) -> None:
    """Accepted per second, as ratios."""
    for size in sizes:
        rates: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            url = fresh(server, f"t{size}_{number}")
            await with_empty(url)
            sqlite = SqliteJournal(folder / f"{size}-{number}.db")
            rates.setdefault("sqlite", []).append(await with_journal(sqlite, size))
            rates.setdefault("plain", []).append(await plain(url, size))
            for gateways in (1, 2, 3):
                rate = await several(url, size, gateways)
                rates.setdefault(f"{gateways} gateways", []).append(rate)
            server.sql(f"DROP SCHEMA t{size}_{number} CASCADE")
        middle = {name: statistics.median(found) for name, found in rates.items()}
        for gateways in (1, 2, 3):
            rate = middle[f"{gateways} gateways"]
            print(
                f"{size // 1000} KB, {gateways} gateway(s): {rate / middle['sqlite']:.2f} x SQLite,"
                f" {rate / middle['plain']:.2f} x plain inserts"
                f"  ({rate:.0f}/s; SQLite {middle['sqlite']:.0f}/s, plain {middle['plain']:.0f}/s)"
            )


def fresh(server: Server, schema: str) -> str:
    """A URL with an empty schema."""
    server.sql(f"CREATE SCHEMA {schema}")
    return url_of(server, schema=schema)


async def with_empty(url: str) -> None:
    """Make the tables."""
    journal = PostgresJournal(url)
    await journal.open(now=time.time())
    await journal.close()


async def million(server: Server) -> None:
    """Accept, claim and status beside a million undelivered, as ratios to an empty journal."""
    journals = {}
    for name, count in (("none", 0), ("much", MILLION)):
        url = fresh(server, name)
        await with_empty(url)
        if count:
            backlog.fill(server, name, count)
        journals[name] = PostgresJournal(url, max_bytes=1 << 50)
        await journals[name].open(now=time.time())
    server.sql("CHECKPOINT")
    asked: dict[str, Ask] = {
        "accept": lambda journal: journal.accept(entry(2_000), sending=False),
        "claim": _claim,
        "status": lambda journal: asyncio.gather(journal.totals(), journal.usage()),
    }
    for name, do in asked.items():
        took: dict[str, list[float]] = {"none": [], "much": []}
        for _ in range(200):
            for where, journal in journals.items():
                if name == "claim":
                    await journal.accept(entry(2_000, rank=0.0), sending=False)
                began = time.perf_counter()
                await do(journal)
                took[where].append(time.perf_counter() - began)
        ratio = statistics.median(took["much"]) / statistics.median(took["none"])
        print(f"{name} with {MILLION:,} undelivered: {ratio:.2f} x empty")
    for name, journal in journals.items():
        await journal.close()
        server.sql(f"DROP SCHEMA {name} CASCADE")


async def _claim(journal: PostgresJournal) -> None:
    now = time.time()
    page = await journal.due(now=now, limit=1)
    await journal.begin(page.items[0].id, now=now)


def live(server: Server, folder: Path) -> None:
    """How long a station waits for an answer: at the gateway that delivers, and beside it.

    One station at a time, in turn at each, so that only the way of an answer is measured.
    """
    shared = {
        "journal.url": fresh(server, "live"),
        "journal.key_file": str(folder / "keys.json"),
        "receipts.key_file": str(folder / "receipts.json"),
    }
    with ExitStack() as stack:
        recording = stack.enter_context(
            RecordingServer(folder, "--workers", "4", "--service-seconds", "0.01")
        )
        recording.until_listening()
        doors: dict[str, Gateway] = {}
        for name in ("sqlite", "delivers", "beside"):
            home = folder / name
            home.mkdir()
            settings = {} if name == "sqlite" else shared
            doors[name] = stack.enter_context(Gateway(home, recording.url, settings))
            doors[name].start()
        took: dict[str, list[float]] = {name: [] for name in doors}
        for _ in range(LOOKS):
            for name, door in doors.items():
                began = time.perf_counter()
                status, _ = ask("POST", f"{door.url}/enrollments", body={"n": secrets.token_hex(8)})
                took[name].append(time.perf_counter() - began)
                if status != 201:
                    raise SystemExit(f"{name} answered {status}: nothing was measured")
    middle = {name: statistics.median(found) for name, found in took.items()}
    gained = middle["beside"] - middle["delivers"]
    print(
        f"a live answer beside the delivering gateway:"
        f" {middle['beside'] / middle['delivers']:.2f} x, that is {1000 * gained:.1f} ms more;"
        f" at the delivering one"
        f" {middle['delivers'] / middle['sqlite']:.2f} x SQLite"
    )


async def soak(server: Server, rows: int, size: int) -> None:
    """So many wait all the time, and as many are accepted, delivered and forgotten meanwhile.

    How the tables and indexes grow with nothing but the server's own autovacuum to clear up.
    """
    url = fresh(server, "soak")
    await with_empty(url)
    backlog.fill(server, "soak", rows, size=size)
    journal = PostgresJournal(url, max_bytes=1 << 50)
    await journal.open(now=time.time())
    began = time.monotonic()
    found = [backlog.volumes(server, "soak")]
    for number in range(1, SOAK_ROUNDS + 1):
        await backlog.turn_over(journal, rows // SOAK_ROUNDS, size=size)
        found.append(backlog.volumes(server, "soak"))
        megabytes = sum(found[-1].values()) / 1e6
        print(f"soak: {number * rows // SOAK_ROUNDS:,} turned over, {megabytes:.0f} MB", flush=True)
    await journal.close()
    seconds = time.monotonic() - began
    print(f"soak: {rows:,} waiting, as many delivered in {seconds:.0f} s; MB filled, fifth, last:")
    for name in found[0]:
        middle, last = found[SOAK_ROUNDS // 2][name], found[-1][name]
        if last > SMALL:
            told = "  ".join(
                f"{each[name] / 1e6:.1f}" for each in (found[0], found[SOAK_ROUNDS // 2], found[-1])
            )
            print(f"soak: {name}: {told}  ({last / middle:.2f} x)")
    server.sql("DROP SCHEMA soak CASCADE")


async def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="throughput, live, million, soak; none: all")
    parser.add_argument("--rows", type=int, default=MILLION, help="of the soak (default a million)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help="bytes of a body: only this size")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(await with_journal(PostgresJournal(given.one), given.size)))
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        one_server(on_disk=True, autovacuum_naptime="'1min'") as server,
    ):
        what = given.what or ["throughput", "live", "million", "soak"]
        if "throughput" in what:
            await throughput(server, Path(folder), (given.size,) if given.size else SIZES)
        if "live" in what:
            live(server, Path(folder))
        if "million" in what:
            await million(server)
        if "soak" in what:
            await soak(server, given.rows, given.size or 32)


if __name__ == "__main__":
    uvloop.run(main())
