"""Three real PostgreSQL nodes with streaming replication: any one standby must have each commit.

The one that is promoted is the one that has most: with ``ANY 1`` either may be the one that has the
last commits. That is what a manager such as Patroni sees to.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.postgres import PATIENCE, Server, server_folder, url_of

NAMES: Final = ("a", "b", "c")


class Cluster:
    """The nodes; ``primary`` is the one that takes commits."""

    def __init__(self, nodes: list[Server]) -> None:
        self.nodes = nodes
        self.primary = nodes[0]

    @property
    def url(self) -> str:
        """Names all nodes; the gateway finds the primary."""
        return url_of(*self.nodes)

    def start(self) -> None:
        """Start all, and wait until both standbys stream."""
        for node in self.nodes:
            if node is not self.primary:
                node.follow(self.primary)
            node.start()
        self.until_streaming(2)

    def until_streaming(self, count: int) -> None:
        """Wait until so many standbys confirm commits."""
        deadline = time.monotonic() + PATIENCE
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        while int(self.primary.sql(streaming)) < count:
            assert time.monotonic() < deadline, self.primary.tail()
            time.sleep(0.05)

    def catch_up(self) -> None:
        """Write out what the primary has in memory, and wait until every standby has it."""
        self.primary.sql("CHECKPOINT")
        flushed = int(self.primary.sql("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"))
        deadline = time.monotonic() + PATIENCE
        for node in self.nodes:
            while node is not self.primary and _received(node) < flushed:
                assert time.monotonic() < deadline, node.tail()
                time.sleep(0.05)

    def fail_over(self) -> float:
        """Kill the primary, and make one of the standby that has most; when the old one was dead.

        At once: what a manager takes to notice comes on top.
        """
        self.primary.kill()
        moment = time.time()
        left = [node for node in self.nodes if node.process is not None]
        for node in left:
            _take_in_what_was_sent(node)
        left.sort(key=_received)
        *others, self.primary = left
        self.primary.promote()
        for other in others:
            other.follow(self.primary)
            other.reload()
        return moment

    def kill(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.kill()


def _take_in_what_was_sent(node: Server) -> None:
    """Wait until a standby whose primary is dead has come to the end of what is on its way to it.

    Before that the other one may seem to have most, and this one get ahead of it: it could then not
    follow it any more.
    """
    deadline = time.monotonic() + PATIENCE
    while node.sql("SELECT count(*) FROM pg_stat_wal_receiver") != "0":
        assert time.monotonic() < deadline, node.tail()
        time.sleep(0.02)


def _received(node: Server) -> int:
    """How far it has the log, in bytes."""
    return int(
        node.sql(
            "SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(),"
            " pg_last_wal_replay_lsn()), '0/0')"
        )
    )


def make_template(folder: Path) -> None:
    """Three nodes that have never been used, stopped, to be copied: faster than making them."""
    nodes = [Server(folder, name) for name in NAMES]
    first, *standbys = nodes
    first.create(synchronous_commit="on")
    first.start()
    for standby in standbys:
        standby.copy_of(first)
    first.stop()
    for node in nodes:
        others = ", ".join(name for name in NAMES if name != node.name)
        node.configure(synchronous_standby_names=f"'ANY 1 ({others})'")


@contextlib.contextmanager
def template() -> Iterator[Path]:
    """A folder with the template."""
    with server_folder() as folder:
        make_template(folder)
        yield folder


@contextlib.contextmanager
def cluster(made: Path, **settings: str) -> Iterator[Cluster]:
    """A copy of the template, running. ``settings`` are for all nodes."""
    with server_folder() as folder:
        nodes = [Server(folder, name) for name in NAMES]
        for node in nodes:
            subprocess.run(["cp", "-a", str(made / node.name), str(folder)], check=True)
            node.configure(**settings)
        running = Cluster(nodes)
        try:
            running.start()
            yield running
        finally:
            running.kill()
            shutil.rmtree(folder, ignore_errors=True)
