"""The gateway under measurement: started by its command on a journal of its own.

Never imports it; what it did is read from its metrics.
"""

import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.programs import BenchmarkFault, Cores, Program, free_port, running

USUAL: Final = {"journal__max_bytes": str(200 << 30)}


@dataclass(frozen=True, slots=True)
class Gateway:
    """One that runs: its program, and the ports of its two doors."""

    program: Program
    port: int
    admin_port: int
    token: str

    def ask(self, path: str, *, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - JSON
        """What the admin API says."""
        text = self._fetch(f"/admin/v1/{path}", method=method, body=body)
        return json.loads(text) if text else None

    def count(self, name: str, **labels: str) -> float:
        """The sum of the series of a metric that have these labels."""
        total = 0.0
        for line in self._fetch("/metrics").splitlines():
            found = _SERIES.fullmatch(line)
            if found and found["name"] == f"enrollment_gateway_{name}":
                has = dict(_LABEL.findall(found["labels"] or ""))
                if labels.items() <= has.items():
                    total += float(found["value"])
        return total

    def scrape(self) -> float:
        """Seconds that one look at the metrics takes."""
        began = time.perf_counter()
        self._fetch("/metrics")
        return time.perf_counter() - began

    def _fetch(self, path: str, *, method: str = "GET", body: object = None) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30.0) as answer:  # noqa: S310 - as above
            return str(answer.read().decode())


_SERIES = re.compile(r"(?P<name>\w+)(\{(?P<labels>[^}]*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@contextmanager
def gateway(
    cores: Cores, folder: Path, *, upstream_port: int, settings: Mapping[str, str] | None = None
) -> Iterator[Gateway]:
    """Run the gateway on the server's core until the end of the block.

    Args:
        cores: where to run it.
        folder: for its journal, keys and log.
        upstream_port: where the recording server listens.
        settings: as environment variables without their prefix.
    """
    port, admin_port = free_port(), free_port()
    command = [sys.executable, "-m", "gateway", "serve"]
    command += ["--upstream", f"http://127.0.0.1:{upstream_port}"]
    command += ["--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin_port}"]
    command += ["--journal", f"sqlite:///{folder / 'journal.db'}"]
    environment = {
        f"ENROLLMENT_GATEWAY__{name.upper()}": value
        for name, value in {**USUAL, **(settings or {})}.items()
    }
    with running(
        "gateway", command, core=cores.server, folder=folder, port=port, environment=environment
    ) as program:
        yield Gateway(program, port, admin_port, _token(folder))


def _token(folder: Path) -> str:
    found = sorted(folder.glob("*token*"))
    if len(found) != 1:
        raise BenchmarkFault(f"the gateway left no admin token in {folder}")
    return found[0].read_text("ascii").strip()
