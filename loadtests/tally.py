"""Counts of a run under way, read from the two logs as they grow.

For people who watch: the verdict counts again, from the beginning, by itself.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Tail:
    """The whole lines that were appended to a file since the last look."""

    path: Path
    _at: int = 0

    def lines(self) -> list[bytes]:
        """New lines; none while there is no file."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._at += whole
        return data[:whole].splitlines()


@dataclass(slots=True)
class Tally:
    """How many citizens came, were told that it is safe, and are recorded."""

    arrivals: int = 0
    tries: int = 0
    dropped: int = 0
    effects: int = 0
    origin: float | None = None
    server: str = "not heard of yet"
    outstanding: int = 0
    _safe: set[str] = field(default_factory=set)
    _recorded: set[str] = field(default_factory=set)

    @property
    def safe(self) -> int:
        """Enrollments whose station holds a promise or the server's own yes."""
        return len(self._safe)

    @property
    def recorded(self) -> int:
        """Enrollments with an effect at the server."""
        return len(self._recorded)

    @property
    def doubled(self) -> int:
        """Effects beyond the first of an enrollment."""
        return self.effects - self.recorded

    @property
    def waiting(self) -> int:
        """Citizens who came and are not recorded."""
        return self.arrivals - self.recorded

    def take_sent(self, lines: list[bytes]) -> None:
        """Count lines of `sent.jsonl`."""
        for line in lines:
            event = json.loads(line)
            match event["event"]:
                case "sent":
                    self.tries += 1
                    self.arrivals += event["attempt"] == 1
                case "told" if event["told"] in {"accepted", "delivered"}:
                    self._safe.add(event["key"])
                case "dropped":
                    self.dropped += 1
                case "run":
                    self.origin = event["time_origin"]

    def take_ledger(self, lines: list[bytes]) -> None:
        """Count lines of `ledger.jsonl`, and keep what the server was last seen to be."""
        for line in lines:
            event = json.loads(line)
            match event["event"]:
                case "recorded":
                    self.effects += 1
                    self._recorded.add(event["enrollment"] or event["key"])
                case "server":
                    self.server = "up"
                case "state":
                    self.server = event["state"]
                case "sample":
                    self.outstanding = event["outstanding"]
