"""How many arrivals a second the generator keeps to its schedule, beside wrk on the same server."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.harness.stations import Steady
from benchmarks.load import Load
from benchmarks.programs import BenchmarkFault, Cores, Program, free_port, running
from loadtests.measures import percentile

KEPT_SECONDS: Final = 0.010
"""A schedule is kept if the p99 of sent - due is at most this."""

RATES: Final = (200, 400, 600, 800, 1000, 1247, 1500, 1800, 2200, 2600, 3000)
SECONDS: Final = 15
SIZES: Final = {"2 KB": 2048, "12 KB": 12 * 1024}

_NGINX: Final = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 201 "recorded"; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """One rate: p99 of sent - due in seconds, and how many arrivals were dropped.

    ``cpu``: how busy the busiest generating process was at the most, in percent of a core.
    """

    late: float
    dropped: int
    cpu: float

    @property
    def is_kept(self) -> bool:
        """Whether all were sent, and on time."""
        return self.late <= KEPT_SECONDS and not self.dropped


@dataclass(frozen=True, slots=True)
class Limit:
    """Of one size and number of processes: each rate that was tried.

    ``ceiling`` is wrk's answers per second from the same server.
    """

    size: str
    processes: int
    tried: Mapping[int, Tried]
    ceiling: float

    @property
    def kept(self) -> int:
        """The highest rate kept; 0: none."""
        return max((rate for rate, tried in self.tried.items() if tried.is_kept), default=0)


def measure(cores: Cores, folder: Path, *, share: float) -> list[Limit]:
    """Climb the rates until one is not kept, for each size with one process and with two."""
    found: list[Limit] = []
    with _nginx(cores, folder) as (program, port):
        for name, size in SIZES.items():
            wrk = Load(size).run(program, port, seconds=5 * share, core=cores.rest)
            for processes in (1, 2):
                url = f"http://127.0.0.1:{port}"
                tried = _climb(url, folder, Steady(0, SECONDS * share, size, processes))
                found.append(Limit(name, processes, tried, wrk.rate))
                print(f"  {name}, {processes} processes: {found[-1].kept:,}/s kept", flush=True)
    return found


def _climb(url: str, folder: Path, steady: Steady) -> dict[int, Tried]:
    found: dict[int, Tried] = {}
    for rate in RATES:
        room = folder / f"{steady.size}-{steady.processes}-{rate}"
        room.mkdir()
        evidence = replace(steady, per_second=rate).send(url, room)
        late = percentile(sorted(evidence.lateness), 0.99)
        busiest = max(end.cpu_percent_max for end in evidence.ends)
        found[rate] = Tried(late, len(evidence.dropped), busiest)
        shutil.rmtree(room)
        if late > 3 * KEPT_SECONDS:
            break
    return found


@contextmanager
def _nginx(cores: Cores, folder: Path) -> Iterator[tuple[Program, int]]:
    """A server that costs next to nothing: it reads a body, and answers 201."""
    if shutil.which("nginx") is None:
        raise BenchmarkFault("nginx is missing; install it: apt-get install nginx")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port), encoding="utf-8")
    command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    with running("nginx", command, core=cores.server, folder=folder, port=port) as program:
        yield program, port
