"""Real PostgreSQL servers on loopback, started and ended by the tests.

The server refuses to run as root, so that it is given to another user where the tests are root.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.ports import free_port

PATIENCE: Final = 60.0
USER: Final = "enrollment"
MISSING: Final = (
    "PostgreSQL is not installed: `apt-get install postgresql` (Debian), or put initdb on the PATH"
)
_ROOM: Final = 4 * 1024**3
_PLACES: Final = "/usr/lib/postgresql"
_BASE: Final = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "60",
    "shared_buffers": "'64MB'",
    "wal_level": "'replica'",
    "max_wal_senders": "10",
    "wal_keep_size": "'256MB'",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1",
    "wal_retrieve_retry_interval": "'200ms'",
    "autovacuum_naptime": "'5s'",
    "checkpoint_timeout": "'5min'",
}


def binaries() -> Path | None:
    """Where initdb is; None: not installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path(_PLACES).glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    return versions[-1].parent if versions else None


def needed() -> Path:
    """Where the programs are. Without them the test skips loudly, and fails where CI runs it."""
    found = binaries()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


def _as_server() -> tuple[list[str], int, int]:
    """A prefix for commands, and whose the files must be."""
    if os.geteuid() != 0:
        return [], os.getuid(), os.getgid()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            who = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            return ["setpriv", *who], user.pw_uid, user.pw_gid
    raise AssertionError("no user to run PostgreSQL as")


class Server:
    """One node: its folder, its port, and its process while it runs."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.data = folder / name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        self._bin = needed()
        self._prefix, self._uid, self._gid = _as_server()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    def run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        done = subprocess.run(
            [*self._prefix, str(self._bin / program), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"},
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def create(self, **settings: str) -> None:
        """A new cluster with these settings."""
        trusted = ("--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        self.run("initdb", "--pgdata", str(self.data), "--username", USER, *trusted)
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")
        self.configure(**_BASE | settings)

    def copy_of(self, primary: "Server") -> None:
        """A standby of ``primary``, which streams from it under its own name."""
        where = f"host=127.0.0.1 port={primary.port} user={USER}"
        self.run(
            "pg_basebackup", "--pgdata", str(self.data), "--dbname", where,
            "--checkpoint=fast", "--no-sync", "--wal-method=stream",
        )  # fmt: skip
        (self.data / "standby.signal").touch()
        self.follow(primary)

    def follow(self, primary: "Server") -> None:
        """Stream from ``primary`` from the next start or reload on."""
        where = f"host=127.0.0.1 port={primary.port} user={USER} application_name={self.name}"
        self.configure(primary_conninfo=f"'{where}'")

    def configure(self, **settings: str) -> None:
        """Add settings; they hold from the next start or reload on."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    *(*self._prefix, str(self._bin / "postgres")),
                    *("-D", str(self.data), "-p", str(self.port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
            )
        deadline = time.monotonic() + PATIENCE
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            assert self.process.poll() is None, self.tail()
            assert time.monotonic() < deadline, self.tail()
            time.sleep(0.05)

    def reload(self) -> None:
        """Read the settings again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def promote(self) -> None:
        """Make a primary of a standby."""
        self.run("pg_ctl", "promote", "--pgdata", str(self.data), "--no-wait")

    def pause(self, what: str) -> None:
        """Let one of its processes stand still until it is killed: ``walwriter``, for one."""
        pid = self.sql(f"SELECT pid FROM pg_stat_activity WHERE backend_type = '{what}'")  # noqa: S608 - a name of ours
        os.kill(int(pid), signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL to the server and to every process of it: as if its machine were gone.

        None is left when this is back. A process that was killed dies when it next has a processor,
        and holds the server's memory until then: a server that is started before refuses to.
        """
        if self.process is not None:
            deadline = time.monotonic() + PATIENCE
            left = [self.process.pid, *_working_in(self.data)]
            while left:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                assert time.monotonic() < deadline, f"still there: {left}"
                time.sleep(0.01)
                left = _working_in(self.data)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Let it end at once, in order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def sql(self, statement: str, *, seconds: float = PATIENCE) -> str:
        """What psql answers within so many seconds."""
        done = subprocess.run(
            [
                *(str(self._bin / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"),
                *("-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-c", statement),
                "postgres",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def tail(self) -> str:
        """The last of what it said."""
        return self.log.read_text(errors="replace")[-3000:]


def _working_in(folder: Path) -> list[int]:
    """The processes whose directory it is, as all of a server's are; one that has ended has none.

    Not by their parent: what it starts at the moment at which it is killed is another one's child.
    """
    found = []
    for directory in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if directory.samefile(folder):
                found.append(int(directory.parent.name))
    return found


@contextlib.contextmanager
def server_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """A folder that the server's user owns; pytest's own folders are closed to it."""
    _, uid, gid = _as_server()
    # In memory where there is room: what is killed here is a process, never the machine.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
    room = not on_disk and memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    where = memory if room else None
    folder = Path(tempfile.mkdtemp(prefix="enrollment-postgres-", dir=where))
    try:
        os.chown(folder, uid, gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def one_server(*, on_disk: bool = False, **settings: str) -> Iterator[Server]:
    """A server that stands alone. ``on_disk``: where its speed is to be measured."""
    needed()
    with server_folder(on_disk=on_disk) as folder:
        server = Server(folder, "alone")
        server.create(**settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def url_of(*servers: Server, schema: str | None = None) -> str:
    """A URL for ``journal.url`` that names them all."""
    hosts = ",".join(server.address for server in servers)
    where = f"postgresql://{USER}@{hosts}/postgres"
    return where if schema is None else f"{where}?search_path={schema}"
