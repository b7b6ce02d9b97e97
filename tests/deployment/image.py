"""Carries out the steps of a Dockerfile in a directory tree, as a user that is not root.

No container engine is needed: what the image's paths name lies below a prefix. Each stage is built
at the same place and then put aside, so that what one stage copies from another is found where it
was built, as in an image. The base image is stood for by this machine's Python.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deployment.dockerfile import Instruction, Stage

ABSOLUTE = re.compile(r"(?<![\w.$}/-])/(?=(?:opt|var|build|tmp)\b)")
COPY_FLAGS = {"from", "chown"}
_PROBE = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"


@dataclass
class Builder:
    """Builds stages; `root` is where an image's `/` is.

    Args:
        home: an empty directory; everything is made in it.
        context: the repository.
        uid: the user; None: whoever runs this, who must not be root.
    """

    home: Path
    context: Path
    uid: int | None

    def __post_init__(self) -> None:
        assert (self.uid or os.getuid()) != 0
        self.root = self.home / "root"
        self.log = self.home / "log"
        self.environment: dict[str, str] = {}
        self.directory = "/"

    def build(self, stages: dict[str, Stage], name: str) -> None:
        """Build a stage after those that it copies from; then it stands at `root`."""
        for one in stages[name].instructions:
            source = one.flags.get("from")
            if source and not (self.home / source).exists():
                self.build(stages, source)
                self.root.rename(self.home / source)
        self._begin()
        for one in stages[name].instructions:
            self._carry_out(one)

    def popen(
        self, words: Sequence[str], extra: dict[str, str], *, through: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        """Run a command of the image: its user, its environment, its directory.

        ``through``: a command that becomes the image's user by itself, and runs this one.
        """
        uid = None if through else self.uid
        inside = [str(self._below(word)) if word.startswith("/") else word for word in words]
        with self.log.open("ab") as out:
            return subprocess.Popen(
                [*through, *inside],
                cwd=self._below(self.directory),
                env=self._env() | extra,
                user=uid,
                group=uid,
                extra_groups=None if uid is None else [],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def said(self) -> str:
        """The last of what commands said."""
        return self.log.read_text(errors="replace")[-3000:]

    def _begin(self) -> None:
        self.environment, self.directory = {}, "/"
        usual = self.root / "usr/local/bin"
        usual.mkdir(parents=True)
        (usual / "python").symlink_to(self._python())
        (self.root / "tmp").mkdir()
        self._give_away()

    def _python(self) -> str:
        """A Python that this user can run, and that makes environments."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        found = (os.path.realpath(sys.executable), shutil.which(version), "/usr/bin/python3")
        for python in filter(None, found):
            with contextlib.suppress(OSError):
                if self._run([python, "-c", _PROBE], check=False) == 0:
                    return python
        raise AssertionError(f"none of {found} can be run by uid {self.uid}, with ensurepip")

    def _carry_out(self, one: Instruction) -> None:
        match one.name:
            case "RUN":
                self._run(["sh", "-ec", ABSOLUTE.sub(f"{self.root}/", one.text)])
            case "WORKDIR":
                self.directory = one.text
                self._below(one.text).mkdir(parents=True, exist_ok=True)
            case "ENV" | "ARG":  # the default, of an ARG
                for pair in one.words:
                    name, _, value = pair.partition("=")
                    before = self._env().get("PATH", "")
                    value = ABSOLUTE.sub(f"{self.root}/", value).replace("$PATH", before)
                    self.environment[name] = value
            case "COPY":
                self._copy(one)
        self._give_away()

    def _copy(self, one: Instruction) -> None:
        assert one.flags.keys() <= COPY_FLAGS, one
        *sources, target = one.words
        to = self._below(target if target.startswith("/") else f"{self.directory}/{target}")
        for source in sources:
            stage = one.flags.get("from")
            if stage:
                found = self.home / stage / source.lstrip("/")
            else:
                self._must_be_sent(source)
                found = self.context / source
            if found.is_dir():
                ignored = shutil.ignore_patterns("__pycache__") if not stage else None
                shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True, ignore=ignored)
            else:
                into = to / found.name if target.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, into)

    def _must_be_sent(self, source: str) -> None:
        """The context holds only what `.dockerignore` lets through."""
        everything, *rules = (self.context / ".dockerignore").read_text().split()
        assert everything == "*"
        allowed = {rule[1:] for rule in rules if rule.startswith("!")}
        assert source.strip("./").split("/")[0] in allowed, f".dockerignore keeps {source} back"

    def _give_away(self) -> None:
        """To the user who carries out the steps: here nothing is root's."""
        if self.uid is not None:
            subprocess.run(["chown", "-Rh", f"{self.uid}:{self.uid}", self.root], check=True)

    def _run(self, command: Sequence[str], *, check: bool = True) -> int:
        ended = self.popen(command, {}).wait(600)
        assert not check or ended == 0, f"{command}:\n{self.said()}"
        return ended

    def _env(self) -> dict[str, str]:
        passed = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        inherited = {key: value for key, value in os.environ.items() if key.startswith(passed)}
        usual = {"PATH": f"{self.root}/usr/local/bin:/usr/bin:/bin", "HOME": str(self.root)}
        return inherited | usual | self.environment

    def _below(self, path: str) -> Path:
        inside = path.startswith(str(self.home)) or (not ABSOLUTE.match(path) and path != "/")
        return Path(path) if inside else self.root / path.lstrip("/")
