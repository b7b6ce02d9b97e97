"""A group: a recording server, a PostgreSQL cluster, several gateways on it, and their stations."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from loadtests.logs import Recorded, Sent, Told, read_ledger, read_sent
from loadtests.verdict import PASSED, Verdict, judge
from tests.acceptance.cluster import Cluster
from tests.acceptance.processes import PLAIN, Gateway, Json, RecordingServer
from tests.acceptance.scene import UNDELIVERED, harm
from tests.acceptance.seeds import Back
from tests.acceptance.stations import Surge

# A station that hears nothing for so long turns to another gateway.
STATION_PATIENCE: Final = aiohttp.ClientTimeout(total=6)


@dataclass
class Group:
    """The parts, and the folder with the two logs."""

    folder: Path
    server: RecordingServer
    cluster: Cluster
    gateways: list[Gateway]

    def start(self, launcher: Sequence[str] = PLAIN) -> None:
        """Start the first gateway, which makes the keys, then the others side by side."""
        self.server.until_listening()
        first, *others = self.gateways
        first.start(launcher)
        for gateway in others:
            gateway.launch(launcher)
        for gateway in others:
            gateway.until_ready()

    def surge(self, count: int, rate: float, **how: Any) -> Surge:  # noqa: ANN401 - as in Surge
        """Stations, spread over the gateways."""
        first, *others = (gateway.url for gateway in self.gateways)
        return Surge(
            first,
            self.folder,
            count,
            rate,
            others=tuple(others),
            timeout=STATION_PATIENCE,
            **how,
        )

    @property
    def running(self) -> list[Gateway]:
        """Those that were not killed."""
        return [gateway for gateway in self.gateways if gateway.part is not None]

    def delivering(self) -> Gateway:
        """The one whose turn it is."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for gateway in self.running:
                delivery = gateway.ask_admin("GET", "status")["delivery"]
                assert isinstance(delivery, dict)
                if delivery["here"]:
                    return gateway
            time.sleep(0.1)
        raise AssertionError("nobody delivers")

    async def drained(self, seconds: float = 90.0) -> Json:
        """Wait until nothing is left to deliver; the reconciliation then."""
        deadline = time.monotonic() + seconds
        while True:
            found: Json = {}
            with contextlib.suppress(AssertionError, OSError):  # a database that is coming back
                found = await asyncio.to_thread(self.running[0].reconciliation)
            if found and not any(found[status] for status in UNDELIVERED):
                return found
            assert time.monotonic() < deadline, f"not drained in {seconds} s: {found}"
            await asyncio.sleep(0.2)

    def verdict(self) -> Verdict:
        """The judgement on the two logs."""
        return judge(self.folder)

    def unharmed(self, surge: Surge, found: Json) -> None:
        """Nothing was lost, doubled, invented or altered, and the sums agree."""
        verdict = self.verdict()
        assert harm(verdict) == {}
        assert verdict.exit_code == PASSED, verdict.sentence
        assert surge.undecided == set()
        assert found["balanced"] is True
        assert found["accepted"] == found["delivered"] == surge.count

    def back_after(self, moment: float) -> Back:
        """How soon after ``moment`` stations were promised something, and something delivered."""
        after: set[str] = set()
        sent_at: dict[tuple[str, int], float] = {}
        intake: float | None = None
        for event in read_sent(self.folder / "sent.jsonl"):
            if isinstance(event, Sent):
                sent_at[event.key, event.attempt] = event.at
                if event.attempt == 1 and event.at > moment:
                    after.add(event.key)
            elif isinstance(event, Told) and event.told in {"accepted", "delivered"}:
                since = sent_at.get((event.key, event.attempt), 0.0)
                if since > moment and (intake is None or event.at < intake):
                    intake = event.at
        delivered = [
            event.at
            for event in read_ledger(self.folder / "ledger.jsonl")
            if isinstance(event, Recorded) and event.key in after
        ]
        assert intake is not None
        return Back(intake - moment, min(delivered) - moment)


@contextlib.contextmanager
def group(
    folder: Path,
    cluster: Cluster,
    *,
    gateways: int = 2,
    schema: str | None = None,
    server: Sequence[str] = (),
    settings: Mapping[str, object] | None = None,
) -> Iterator[Group]:
    """The parts around a running cluster; no gateway is started. At the end they are gone."""
    url = cluster.url
    if schema is not None:
        cluster.primary.sql(f"CREATE SCHEMA {schema}")
        url = f"{url}?search_path={schema}"
    with contextlib.ExitStack() as stack:
        recording = stack.enter_context(RecordingServer(folder, *server))
        members = []
        for number in range(gateways):
            home = folder / f"gateway-{number}"
            home.mkdir()
            own = {
                "journal.url": url,
                "journal.key_file": str(folder / "keys.json"),
                "receipts.key_file": str(folder / "receipts.json"),
                **(settings or {}),
            }
            members.append(stack.enter_context(Gateway(home, recording.url, own)))
        yield Group(folder, recording, cluster, members)
