"""Reads a Dockerfile: its stages, and the instructions of each. Knows all that ours uses, no more.

Must not carry anything out.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

CARRIED_OUT = {"ARG", "WORKDIR", "RUN", "COPY", "ENV"}
NOTED = {"USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclass(frozen=True)
class Instruction:
    """One instruction: `flags` are its `--name=value`, `words` what follows."""

    name: str
    flags: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """Its arguments."""
        return shlex.split(self.text)

    @property
    def command(self) -> list[str]:
        """The program and its arguments, of an instruction in its JSON form."""
        found: list[str] = json.loads(self.text.removeprefix("CMD "))
        return found


@dataclass
class Stage:
    """From one FROM to the next."""

    name: str
    image: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction:
        """The last instruction of this name: it counts."""
        return [one for one in self.instructions if one.name == name][-1]


def read(path: Path) -> dict[str, Stage]:
    """Every stage by its name, in order.

    Raises:
        ValueError: an instruction or a flag that this reader does not know.
    """
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", " ", text)
    stages: dict[str, Stage] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found = re.fullmatch(r"(\S+) AS (\S+)", rest)
            if found is None:
                raise ValueError(f"not a named stage: {line}")
            stages[found[2]] = Stage(found[2], found[1])
            continue
        if name not in CARRIED_OUT | NOTED:
            raise ValueError(f"not an instruction known here: {line}")
        flags = {}
        while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            flags[match[1]] = match[2]
            rest = rest[match.end() :]
        [*stages.values()][-1].instructions.append(Instruction(name, flags, rest))
    return stages
