"""The parts as processes of their own: started, signalled, killed, started again."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from tests.acceptance.nursery import Forked
from tests.acceptance.ports import free_port

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0  # seconds for a part to come up or go down; a loaded machine is slow
PLAIN: Final = ("-m", "gateway")

Json = dict[str, object]


class Part:
    """One process; what it says is added to ``log``. ``fork``: see ``nursery``."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        fork: bool = False,
    ) -> None:
        self.log = log
        environ = {**os.environ, **(environ or {})}
        self.process: subprocess.Popen[bytes] | Forked
        if fork:
            self.process = Forked(command, log, environ, cwd=ROOT)
            return
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environ,
            )

    def until_up(self, url: str) -> None:
        """Wait until ``url`` answers 200; a part that does not come up is killed."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ask("GET", url)[0] == 200:
                    return
            time.sleep(0.02)
        ended = self.process.poll()
        self.kill()
        how = f"did not come up in {PATIENCE} s" if ended is None else f"ended with {ended}"
        raise AssertionError(f"{url} {how}:\n{self.tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end in {PATIENCE} s:\n{self.tail()}") from None

    def tail(self) -> str:
        """The last of what it said."""
        return self.log.read_text(errors="replace")[-3000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


class RecordingServer(Part):
    """The simulated recording server; its ledger is in ``folder``, whole after each record."""

    def __init__(self, folder: Path, *options: str) -> None:
        port, control = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._control = f"http://127.0.0.1:{control}/_server"
        super().__init__(
            [
                *("-m", "loadtests", "server", "--ledger", str(folder / "ledger.jsonl")),
                *("--listen", f"127.0.0.1:{port}", "--control", f"127.0.0.1:{control}"),
                *options,
            ],
            folder / "server.log",
        )

    def until_listening(self) -> None:
        """Wait until it listens."""
        self.until_up(f"{self._control}/state")

    def fault(self, kind: str, **values: object) -> None:
        """From now on, something goes wrong there."""
        status, _ = ask("POST", f"{self._control}/fault", body={"kind": kind, **values})
        assert status == 200

    def state(self) -> Json:
        """What it says of itself."""
        return ask("GET", f"{self._control}/state")[1]


class Gateway:
    """A gateway that is started again and again on the same journal and ports.

    Left as a context, it is gone.
    """

    def __init__(
        self,
        folder: Path,
        upstream: str,
        settings: Mapping[str, object] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Describe it; ``settings`` maps ``section.key`` to a value."""
        port, admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.admin = f"http://127.0.0.1:{admin_port}"
        self.journal = folder / "journal.db"
        self.config = folder / "gateway.toml"
        self.config.write_text(
            toml(
                {
                    "upstream.url": upstream,
                    "journal.url": f"sqlite:///{self.journal}",
                    "intake.listen": f"127.0.0.1:{port}",
                    "admin.listen": f"127.0.0.1:{admin_port}",
                    # Named, since without a journal's file it would be made where tests are run.
                    "admin.token_file": f"{self.journal}.admin-token",
                    **(settings or {}),
                }
            )
        )
        self._log = folder / "gateway.log"
        self._environ = environ
        self.part: Part | None = None

    def launch(
        self,
        launcher: Sequence[str] = PLAIN,
        *,
        environ: Mapping[str, str] | None = None,
        fork: bool = False,
    ) -> None:
        """Start the process and wait for nothing; ``environ`` is for this start alone."""
        assert self.part is None
        command = [*launcher, "serve", "--config", str(self.config)]
        environ = {**(self._environ or {}), **(environ or {})}
        self.part = Part(command, self._log, environ=environ, fork=fork)

    def start(self, launcher: Sequence[str] = PLAIN, *, fork: bool = False) -> None:
        """Start it and wait until it is ready and listens."""
        self.launch(launcher, fork=fork)
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until it says that it is ready: then it must listen."""
        self.running.until_up(f"{self.admin}/readyz")
        assert ask("GET", f"{self.url}/_gateway/jwks.json")[0] == 200

    @property
    def running(self) -> Part:
        """The process."""
        assert self.part is not None
        return self.part

    def kill(self) -> None:
        """SIGKILL."""
        self.running.kill()
        self.part = None

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        code = self.running.stop()
        self.part = None
        return code

    def ask_admin(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask the admin API as its operator."""
        token = self.journal.with_name(f"{self.journal.name}.admin-token").read_text().strip()
        url = f"{self.admin}/admin/v1/{path}"
        status, answer = ask(method, url, body=body, headers={"Authorization": f"Bearer {token}"})
        assert status == 200, answer
        return answer

    def reconciliation(self) -> Json:
        """What it says became of everything it accepted."""
        return self.ask_admin("GET", "reconciliation")

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run ``enrollment-gateway WORDS --config …`` beside it."""
        return command(*words, "--config", str(self.config))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.part is not None:
            self.kill()


def command(
    *words: str, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run ``enrollment-gateway WORDS`` to its end."""
    return subprocess.run(
        [sys.executable, *PLAIN, *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
    )


def ask(
    method: str,
    url: str,
    *,
    body: Json | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Json]:
    """One request for JSON; ``{}`` where the answer is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(
            method, parts._replace(scheme="", netloc="").geturl(), sent, headers or {}
        )
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    found: object = None
    with contextlib.suppress(ValueError):
        found = json.loads(text)
    return answer.status, found if isinstance(found, dict) else {}


def toml(settings: Mapping[str, object]) -> str:
    """``section.key`` and value as a configuration file. JSON's scalars are TOML's."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
