"""How many arrivals a second the generator keeps to its schedule, beside wrk on the same server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.harness.stations import Steady
from benchmarks.load import Load
from benchmarks.programs import BenchmarkFault, Cores, Program, free_port, running

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
class Limit:
    """Of one size and number of processes: the highest rate kept, and each rate's p99 in seconds.

    ``ceiling`` is wrk's answers per second from the same server.
    """

    size: str
    processes: int
    kept: int
    late: dict[int, float]
    ceiling: float


def measure(cores: Cores, folder: Path) -> list[Limit]:
    """Climb the rates until one is not kept, for each size with one process and with two."""
    found: list[Limit] = []
    with _nginx(cores, folder) as (program, port):
        for name, size in SIZES.items():
            wrk = Load(size).run(program, port, seconds=5, core=cores.rest)
            for processes in (1, 2):
                late = _climb(f"http://127.0.0.1:{port}", folder, size, processes)
                kept = max((rate for rate, by in late.items() if by <= KEPT_SECONDS), default=0)
                found.append(Limit(name, processes, kept, late, wrk.rate))
    return found


def _climb(url: str, folder: Path, size: int, processes: int) -> dict[int, float]:
    late: dict[int, float] = {}
    for rate in RATES:
        room = folder / f"{size}-{processes}-{rate}"
        room.mkdir()
        verdict = Steady(rate, SECONDS, size, processes).send(url, room)
        late[rate] = verdict.measures["sent_late_p99"] or 0.0
        shutil.rmtree(room)
        if late[rate] > 3 * KEPT_SECONDS:
            break
    return late


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
