"""A desk: one client of the public listener that sends what it is told to, and sees the answer."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from loadtests.logs import Recorded, read_ledger
from tests.acceptance.scene import Scene

LONGEST = 60.0  # seconds until an enrollment must have come to where a test expects it


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - as JSON is
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The last part of the problem type."""
        return str(self.json["type"]).rpartition("/")[2]


class Desk:
    """Sends enrollments and looks at receipts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def enroll(
        self, key: str | None = None, body: bytes = b"biodata", **headers: str
    ) -> Seen:
        """One POST; ``Ordering_Key`` and the like are header names."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named |= {"Idempotency-Key": key, "X-Enrollment": key}
        return await self._ask("POST", "/enrollments", data=body, headers=named)

    async def promised(self, key: str, body: bytes = b"biodata", **headers: str) -> str:
        """One POST that gets its receipt at once; the path of that."""
        seen = await self.enroll(key, body, Prefer="respond-async", **headers)
        assert seen.status == 202, seen.body
        return seen.headers["Location"]

    async def look(self, path: str, *, wait: int = 0) -> Seen:
        """GET, with a long poll where ``wait`` seconds are given."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        return await self._ask("GET", path, headers=headers)

    async def until(self, receipt: str, *statuses: str) -> Any:  # noqa: ANN401 - as JSON is
        """The receipt, as soon as it has one of these statuses."""
        deadline = time.monotonic() + LONGEST
        while True:
            document = (await self.look(receipt)).json
            if document["status"] in statuses:
                return document
            assert time.monotonic() < deadline, document
            await asyncio.sleep(0.1)

    async def _ask(self, method: str, path: str, **what: Any) -> Seen:  # noqa: ANN401 - aiohttp's
        async with self._session.request(method, path, **what) as answer:
            return Seen(answer.status, answer.headers, await answer.read())


@contextlib.asynccontextmanager
async def desk(url: str, *, token: str | None = None) -> AsyncIterator[Desk]:
    """A desk, with its station's token where it has one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    async with aiohttp.ClientSession(
        url, connector=connector, timeout=timeout, headers=headers
    ) as session:
        yield Desk(session)


def recorded(stage: Scene) -> list[str]:
    """The keys of all effects, in the order in which the server made them."""
    return [
        str(event.key)
        for event in read_ledger(stage.folder / "ledger.jsonl")
        if isinstance(event, Recorded)
    ]
