"""A simulated run as the folder of a real one: the same logs, for the same judge and pages."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadtests.logs import Event, LogWriter
from simulation.scenarios.play import Played
from simulation.whole.machine import BEGAN

_TIMES: Final = ("at", "due", "received_at", "started_at", "time_origin")


def write(played: Played, folder: Path) -> None:
    """Write the three logs; the simulated time counts from the machine's wall clock.

    Raises:
        FileExistsError: there is a run in the folder already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "sent.jsonl", played.sent)
    _write(folder / "ledger.jsonl", played.ledger)
    _write(folder / "gateway.jsonl", played.gateway)


def _write(path: Path, events: Iterable[Event]) -> None:
    if path.exists():
        raise FileExistsError(f"{path} is there already: name another folder with --out")
    with LogWriter(path) as log:
        for event in events:
            log.write(_dated(event))


def _dated(event: Event) -> Event:
    times = {name: BEGAN + getattr(event, name) for name in _TIMES if hasattr(event, name)}
    return replace(event, **times)
