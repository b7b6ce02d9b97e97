"""A thousand people go through a real gateway, by every door and every way it can go wrong.

Then everything that it wrote or said of itself is searched for them: 0 must be found.
"""

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from tests.acceptance.processes import PLAIN, Gateway, command
from tests.acceptance.test_losses import page_of_rows
from tests.privacy.citizens import Citizen, citizens
from tests.privacy.search import Search
from tests.support.collector import Collector, collector
from tests.support.raw_server import RawServer, raw_server, then_close

PEOPLE = 1_000
AT_ONCE = 60
STATUSES = (b"201 Created", b"201 Created", b"422 Unprocessable Content", b"503 Busy")
LARGE = 60
"""So many times its body, one is kept in the file of large bodies."""


@dataclass
class Run:
    """What a run needs, and what was said in it by the gateway of itself."""

    folder: Path
    gateway: Gateway
    token: str
    said: list[tuple[str, bytes]] = field(default_factory=list)
    accepted: int = 0
    traces: Collector = field(default_factory=Collector)

    async def everyone(self, people: list[Citizen]) -> None:
        """Each is enrolled, read about, and met by every kind of refusal."""
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            self._session = session
            for start in range(0, len(people), AT_ONCE):
                group = people[start : start + AT_ONCE]
                await asyncio.gather(*(self._one(start + n, p) for n, p in enumerate(group)))

    async def _one(self, number: int, person: Citizen) -> None:
        dresses, paths = person.dresses(), person.for_path()
        worn = dresses[number % len(dresses)]
        path = f"/citizens/{paths[number % len(paths)]}?nik={paths[(number + 1) % len(paths)]}"
        headers = {
            "Idempotency-Key": f"visit {worn}",
            "Ordering-Key": f"desk {worn}" if number % 5 == 0 else "",
            "X-Nik": worn,
            "User-Agent": f"desk/1 ({dresses[0]})",
            "Cookie": f"citizen={dresses[0]}",
            "Content-Type": f'application/json; person="{worn}"',
            "traceparent": f"00-{person.nik}{person.nik}-{person.nik}-01",
            "Prefer": "respond-async" if number % 2 else "wait=1",
        }
        headers = {name: value for name, value in headers.items() if value}
        body = person.body() * (LARGE if number % 3 == 0 else 1)
        kept = await self._send("POST", path, headers, body)
        self.accepted += kept
        kind = number % 6
        if kind == 0:  # the same key with another body
            await self._send("POST", path, headers, body + b"!")
        elif kind == 1:
            await self._send("GET", f"/_gateway/receipts?idempotency_key=visit%20{paths[0]}")
        elif kind == 2:
            await self._send("GET", f"/_gateway/receipts/{person.nik}")
        elif kind == 3:
            await self._send("GET", path, {"X-Nik": worn})
        elif kind == 4:
            await self._send("POST", f"/a/../{person.nik}", headers)
            await self._send("POST", "/e", {"Idempotency-Key": f'"{worn}'})
            await self._send("POST", "/e", {"Content-Digest": f"sha-256=:{person.nik}:"})
        else:
            await asyncio.to_thread(self._raw, person)

    async def _send(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> bool:
        """One request; whether it is an enrollment that the gateway keeps."""
        url = URL(self.gateway.url + target, encoded=True)
        own = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        async with self._session.request(method, url, headers=own, data=body or None) as answer:
            content = await answer.read()
            if "problem" in answer.headers.get("Content-Type", ""):
                self.said.append((f"problem {answer.status}", content))
            return "Gateway-Receipt" in answer.headers

    def _raw(self, person: Citizen) -> None:
        """What no client would send: broken framing, line ends for the log, a number as a token."""
        head = f"POST /{person.nik} HTTP/1.1\r\nHost: g\r\n"
        for rest in (
            f"X-Nik : {person.nik}\r\n\r\n",
            f"X-Nik: {person.nik}\nfaked: line {person.nik}\r\n\r\n",
            f"Content-Length: {person.nik}\r\n\r\n",
            f"Authorization: Bearer {person.nik}\r\nContent-Length: 0\r\n\r\n",
        ):
            parts = urlsplit(self.gateway.url)
            with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=5)) as line:
                line.connect()
                line.sock.sendall((head + rest).encode())
                line.sock.settimeout(2)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    self.said.append(("framing", line.sock.recv(65_536)))

    def operate(self, person: Citizen) -> None:
        """Operators are careless too: numbers in reasons, names, ids and filters."""
        reason = f"because of {person.nik} and {' '.join(person.dresses())}"
        self._note("pause", self.gateway.command("pause", "--reason", reason))
        self._admin("POST", "pause", {"reason": reason}, operator=person.dresses()[1])
        self._admin("POST", "resume", {}, operator=f"siti\r {person.nik}")
        for path in (
            f"enrollments/{person.nik}",
            f"enrollments?status={person.nik}",
            f"{person.nik}?x={person.for_path()[4]}",
            *("status", "enrollments?limit=1000", "audit?limit=1000", "reconciliation"),
        ):
            self._admin("GET", path)
        self._admin("POST", "requeue", {"status": person.nik})
        for words in (
            ("queue", "list", "--limit", "2000"),
            ("status",),
            ("audit", "list", "--all"),
        ):
            self._note(" ".join(words), self.gateway.command(*words))
        self._note("show", self.gateway.command("queue", "show", person.nik))

    def maintain(self) -> None:
        """All that is done to a journal whose gateway is stopped; then a page of it is damaged."""
        for words in (
            ("journal", "verify"),
            ("journal", "export", str(self.folder / "undelivered.jsonl")),
            ("journal", "export", str(self.folder / "undelivered.jsonl")),  # it exists now
            ("journal", "import", str(self.gateway.journal)),  # is none
            ("keys", "rotate"),
            ("journal", "compact"),
            ("journal", "verify"),
        ):
            self._note(" ".join(words[:2]), self.gateway.command(*words))
        at = page_of_rows(self.gateway.journal)
        with self.gateway.journal.open("r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 16384)
        self._note("journal verify", self.gateway.command("journal", "verify"))

    def scrape(self) -> None:
        """The metrics, as they are now."""
        self.said.append(("metrics", _get(f"{self.gateway.admin}/metrics")))

    def _note(self, name: str, ended: subprocess.CompletedProcess[str]) -> None:
        self.said.append((f"command {name}", (ended.stdout + ended.stderr).encode()))

    def _admin(
        self, method: str, path: str, body: object = None, operator: str | None = None
    ) -> None:
        file = self.gateway.journal.with_name(f"{self.gateway.journal.name}.admin-token")
        headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
        if operator is not None:
            headers["Gateway-Operator"] = operator.replace("\r", "")
        content = _get(
            f"{self.gateway.admin}/admin/v1/{path}", method=method, headers=headers, body=body
        )
        self.said.append((f"admin {method}", content))

    def search(self, people: list[Citizen]) -> tuple[Search, int]:
        """Everything that is left of the run; and how many bytes that was."""
        search, size = Search(people), 0
        files = [(str(file.relative_to(self.folder)), file.read_bytes()) for file in self._files()]
        traced = "\n".join(self.traces.said).encode()
        for where, content in (*files, *self.said, ("traces", traced)):
            size += len(content)
            search.look(where, content)
        return search, size

    def _files(self) -> Iterator[Path]:
        return (file for file in sorted(self.folder.rglob("*")) if file.is_file())


def _get(
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: object = None,
) -> bytes:
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=10)) as line:
        sent = None if body is None else json.dumps(body)
        line.request(method, parts._replace(scheme="", netloc="").geturl(), sent, headers or {})
        return line.getresponse().read()


_NUMBER = re.compile(rb"desk/1 \((\d{16})\)")


async def _answer(
    server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """As a server of many moods: records, refuses, is busy, breaks off; and repeats who it was."""
    mood = len(server.requests) % (len(STATUSES) + 2)
    if mood == len(STATUSES):
        writer.close()
        return
    request = server.requests[-1]
    who = _NUMBER.search(request)
    number = who[1] if who else b"nobody"
    told = b"recorded: " + request.partition(b"\r\n\r\n")[2]
    head = b"Location: /citizens/%s\r\nX-Citizen: %s\r\nRetry-After: %s" % (number, number, number)
    framing = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(told)
    if mood > len(STATUSES):  # no answer at all: a parser may quote what it choked on
        status, head = b"201 Created", b"X Citizen of %s: \x00%s" % (number, number)
    else:
        status = STATUSES[mood] + b" " + number
    answer = b"HTTP/1.1 %s\r\n%s\r\n%s%s" % (status, head, framing, told)
    await then_close(answer)(reader, writer)


@contextlib.asynccontextmanager
async def running(folder: Path, launcher: tuple[str, ...] = PLAIN) -> AsyncIterator[Run]:
    """A gateway that logs all it can, in front of a server of many moods."""
    tokens = folder / "stations.json"
    added = command("stations", "add", "mauk-1", "--tokens-file", str(tokens))
    settings = {
        "stations.tokens_file": str(tokens),
        "log.level": "debug",
        "retry.base_seconds": 0.2,
        "retry.cap_seconds": 1,
        "intake.hold_seconds": 0.5,
        "intake.header_timeout_seconds": 1,
    }

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(server, reader, writer)

    async with raw_server(behave) as server, collector() as traces:
        settings["tracing.url"] = traces.url
        with Gateway(folder, server.url, settings) as gateway:
            await asyncio.to_thread(gateway.start, launcher)
            yield Run(folder, gateway, added.stdout.strip(), traces=traces)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.fault(
    36,
    did="1,000 people with their numbers in path, query, headers, keys, small and large bodies,"
    " the server's answers, broken framing and operators' words, through a gateway that logs all it"
    " can, is killed and started again; its journal is exported, compacted, damaged and salvaged",
    sees="0 found in logs, metrics, traces, all files of the journal, exports, what salvage keeps, "
    "audit, problem texts and what commands print",
)
async def test_a_thousand_people_leave_no_trace(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    people = list(citizens(PEOPLE))
    async with running(tmp_path) as run:
        half = PEOPLE // 2
        await run.everyone(people[:half])
        await asyncio.to_thread(run.operate, people[7])
        await asyncio.to_thread(run.scrape)
        run.gateway.kill()
        await asyncio.to_thread(run.gateway.start)
        await run.everyone(people[half:])
        await asyncio.to_thread(run.operate, people[-7])
        await asyncio.to_thread(run.scrape)
        log = run.gateway.running.log.read_text()
        search, size = run.search(people)
        assert await asyncio.to_thread(run.gateway.stop) == 0
        await asyncio.to_thread(run.maintain)
        await asyncio.to_thread(run.gateway.start)
        await asyncio.to_thread(run.operate, people[77])
        assert await asyncio.to_thread(run.gateway.stop) == 0
        again, size = run.search(people)
        left = {file.name for file in run._files()}
    record_property(
        "seen", f"{run.accepted} accepted, {size / 1e6:.0f} MB searched, {len(search.found)} found"
    )
    assert search.found == []
    assert again.found == []
    # It was no empty run: everyone was there, the log spoke of it, and nothing broke.
    assert run.accepted > PEOPLE * 0.6
    assert log.count("enrollment_accepted") > PEOPLE * 0.6
    assert len(run.traces.said) > PEOPLE
    assert "[16 digits]" in log
    assert {"undelivered.jsonl", "journal.db.bodies"} <= left
    assert any("damaged-" in name for name in left)
    assert any(name.endswith(".missing.jsonl") for name in left)
    assert any(b" enrollments in " in said for name, said in run.said if "export" in name)
    assert not [line for line in log.splitlines() if "request_failed" in line]
    for line in log.splitlines():
        json.loads(line)  # one line each: no line end of a header made another


UNMASKED = (
    "import gateway.core.masking as masking; masking.mask = lambda text: text;"
    "import runpy; runpy.run_module('gateway', run_name='__main__', alter_sys=True)"
)


@pytest.mark.slow
async def test_a_gateway_that_does_not_mask_is_found_out(tmp_path: Path) -> None:
    people = list(citizens(20))
    async with running(tmp_path, ("-c", UNMASKED)) as run:
        await run.everyone(people)
        await asyncio.to_thread(run.operate, people[3])
        search, _ = run.search(people)
    places = {found.partition(":")[0] for found in search.found}
    assert "gateway.log" in places
    assert "admin GET" in places
    assert "traces" in places


@pytest.mark.slow
async def test_a_journal_that_is_not_sealed_is_found_out(tmp_path: Path) -> None:
    person = next(citizens(1))
    (tmp_path / "journal.db").write_bytes(os.urandom(5_000) + person.body() + os.urandom(5_000))
    search = Search([person])
    search.look("journal.db", (tmp_path / "journal.db").read_bytes())
    assert any("number" in found for found in search.found)
    assert any("marker" in found for found in search.found)
