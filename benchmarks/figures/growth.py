"""Growth: what waits must not cost. A gateway with a backlog beside one with none, in turn."""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.gateway import Gateway, gateway
from benchmarks.load import ASYNC, Load, Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import free_port, told
from benchmarks.results import Figure, Row
from benchmarks.statistics import Spread, paired, spread

LEVELS: Final = (155_000, 1_000_000)
GOAL: Final = 1.15
READY_SECONDS: Final = 3.0
RESIDENT_MB: Final = 64 + 2 * 64 * SIZES["2 KB"] / 1e6
_LOOKS: Final = 30


def measure(plan: Plan, levels: tuple[int, ...] = LEVELS) -> Figure:
    """Ratios to an empty journal; seconds until ready; resident memory."""
    rows: list[Row] = []
    for level in levels:
        with plan.room(f"growth {level}") as room:
            full, empty = room / "full", room / "empty"
            for folder, count in ((full, level), (empty, 0)):
                folder.mkdir()
                with gateway(plan.cores, folder, upstream_port=free_port()):
                    pass  # it makes the journal's keys, without which no journal is opened
                _store(folder, plan, "--fill", str(count))
            rows += _claims(full, empty, level, plan)
            rows += _served(full, empty, level, plan)
        plan.say(f"  {level:,}: done")
    note = "Each ratio is to a gateway with an empty journal, measured in turn."
    return Figure(7, "Growth: the same with many waiting as with none", tuple(rows), note)


def _store(folder: Path, plan: Plan, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.store", str(folder / "journal.db"), *arguments]
    return told(command, core=plan.cores.server)


def _claims(full: Path, empty: Path, level: int, plan: Plan) -> list[Row]:
    many: list[float] = []
    few: list[float] = []
    _store(empty, plan, "--fill", str(1000))
    for _ in range(plan.rounds):
        for folder, found in ((full, many), (empty, few)):
            found.append(1e3 * _store(folder, plan, "--claims", str(_LOOKS))["claim"])
    return [_ratio("claim", level, "ms", many, few)]


def _served(full: Path, empty: Path, level: int, plan: Plan) -> list[Row]:
    nobody = free_port()  # no server: everything stays undelivered
    began = time.monotonic()
    with gateway(plan.cores, full, upstream_port=nobody) as many:
        ready = time.monotonic() - began
        with gateway(plan.cores, empty, upstream_port=nobody) as few:
            load = Load(SIZES["2 KB"], headers=ASYNC)
            for each in (many, few):
                each.ask("pause", method="POST", body={"reason": "measuring"})
            ours, bare = plan.in_turn(
                partial(load.run, many.program, many.port), partial(load.run, few.program, few.port)
            )
            resident = many.program.resident_bytes() / 1e6
            rows = [
                *(
                    _ratio(f"accept {name}", level, "ms", _each(ours, kind), _each(bare, kind))
                    for name, kind in (("p50", "p50"), ("p99", "p99"), ("processor", "cpu"))
                ),
                _looks("scrape", level, many, few, Gateway.scrape, plan.rounds),
                _looks("status", level, many, few, _status, plan.rounds),
            ]
    return [
        *rows,
        Row(f"ready at {level:,}", "s", _once(ready), goal=READY_SECONDS, at_least=False),
        Row(f"resident at {level:,}", "MB", _once(resident), goal=RESIDENT_MB, at_least=False),
    ]


def _each(rounds: list[Measured], kind: str) -> list[float]:
    return [1e3 * float(getattr(each, kind)) for each in rounds]


def _status(gateway: Gateway) -> float:
    began = time.perf_counter()
    gateway.ask("status")
    return time.perf_counter() - began


def _looks(
    name: str,
    level: int,
    many: Gateway,
    few: Gateway,
    look: Callable[[Gateway], float],
    rounds: int,
) -> Row:
    """The median of many looks in each round."""
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(1e3 * statistics.median(look(many) for _ in range(_LOOKS)))
        bare.append(1e3 * statistics.median(look(few) for _ in range(_LOOKS)))
    return _ratio(name, level, "ms", ours, bare)


def _ratio(name: str, level: int, unit: str, ours: list[float], bare: list[float]) -> Row:
    return Row(
        name=f"{name} at {level:,}",
        unit=unit,
        ours=spread(ours),
        bare=spread(bare),
        ratio=paired(ours, bare),
        goal=GOAL,
        at_least=False,
    )


def _once(value: float) -> Spread:
    return spread([value])
