"""Scenarios as data: read from `scenarios/*.toml`, checked whole, then never changed.

Knows nothing of processes, sockets or how a scenario is driven.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from loadtests.scenario_parts import STRICT, Arrivals, Burst, Flood, Kill, Packets, Stations
from loadtests.server.faults import Fault
from loadtests.server.model import Model
from loadtests.targets import TargetError, parse
from loadtests.validity import Limits

FOLDER = Path(__file__).parent / "scenarios"
LEAST_LIMIT_SECONDS = 10.0


class ScenarioError(ValueError):
    """A scenario that cannot be run: names the file, the key, and what to write instead."""


@dataclass(frozen=True, config=STRICT)
class Scenario:
    """One load with what it is for, what it does to the server, and what must come out.

    `limit_seconds` is how long stations go on after the last arrival. `faults`, `bursts` and
    `kills` (of the gateway) count their time from the first possible arrival.
    `server_honours_key`: the same key twice has one effect there; `server_lookup`: it can be asked
    whether a key is recorded. `gateway` holds settings of the gateway by dotted name. `targets` are
    bands for the verdict's measures; `limits` say when a run proves anything.
    """

    title: str
    prose: str
    arrivals: Arrivals
    limit_seconds: Annotated[float, Field(ge=0)]
    server: Model
    server_honours_key: bool = True
    server_lookup: bool = True
    packets: Packets = Packets()
    stations: Stations = Stations()
    flood: Flood | None = None
    faults: tuple[Annotated[Fault, Field(discriminator="kind")], ...] = ()
    bursts: tuple[Burst, ...] = ()
    kills: tuple[Kill, ...] = ()
    gateway: Mapping[str, str | int | float | bool] = Field(default_factory=dict)
    targets: Mapping[str, Mapping[Literal["min", "max"], float]] = Field(default_factory=dict)
    limits: Limits = Limits()
    name: str = ""

    def scaled(self, count: float = 1.0, time: float = 1.0) -> "Scenario":
        """`count` times as many arrivals per second; everything that lasts, `time` times as long.

        The server keeps its capacity: only its outages get shorter.
        """
        flow, server, limit = self.arrivals, self.server, self.limit_seconds
        return replace(
            self,
            arrivals=replace(flow, per_second=flow.per_second * count, seconds=flow.seconds * time),
            limit_seconds=max(limit * time, min(limit, LEAST_LIMIT_SECONDS)),
            server=replace(
                server,
                down_seconds=server.down_seconds * time,
                return_seconds=server.return_seconds * time,
            ),
            flood=self.flood and replace(self.flood, from_seconds=self.flood.from_seconds * time),
            faults=tuple(_lasting(fault, time) for fault in self.faults),
            bursts=tuple(
                replace(
                    burst,
                    at_seconds=burst.at_seconds * time,
                    over_seconds=burst.over_seconds * time,
                )
                for burst in self.bursts
            ),
            kills=tuple(replace(kill, at_seconds=kill.at_seconds * time) for kill in self.kills),
        )

    def as_data(self) -> dict[str, Any]:
        """The whole scenario as JSON-ready data, for the first line of a log."""
        data: dict[str, Any] = _SCENARIO.dump_python(self, mode="json")
        return data


_SCENARIO = TypeAdapter(Scenario)


def of_data(data: Mapping[str, object]) -> Scenario:
    """A scenario as `as_data` told it: what a log's first line says was run.

    Raises:
        ScenarioError: it is none.
    """
    try:
        return _SCENARIO.validate_python(data)
    except ValidationError as wrong:
        raise ScenarioError(f"the log's scenario cannot be read: {wrong}") from None


def names() -> tuple[str, ...]:
    """The scenarios that come with the load tests, by name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name: str) -> Scenario:
    """Read a scenario by its name, or by the path of a TOML file of your own.

    Raises:
        ScenarioError: no such scenario, not TOML, an unknown key, or a value out of range.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        close = get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names())}"
        raise ScenarioError(f"no scenario {name!r}: {hint}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ScenarioError(f"{path}: not readable as TOML: {wrong}") from None
    try:
        scenario = _SCENARIO.validate_python(data)
        parse(scenario.targets)
    except TargetError as wrong:
        raise ScenarioError(f"{path}:\n  targets: {wrong}") from None
    except ValidationError as wrong:
        told = "\n".join(f"  {_told(error)}" for error in wrong.errors())
        raise ScenarioError(f"{path}:\n{told}") from None
    return replace(scenario, name=path.stem)


def _lasting(fault: Fault, time: float) -> Fault:
    lasts = fault.duration_seconds
    return fault.model_copy(
        update={
            "at_seconds": fault.at_seconds * time,
            "duration_seconds": None if lasts is None else lasts * time,
        }
    )


def _told(error: Mapping[str, Any]) -> str:
    place: Sequence[int | str] = error["loc"]
    key = ".".join(str(part) for part in place) or "scenario"
    if error["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return f"{key}: no such key{_close(place)}"
    return f"{key}: {error['msg']}"


def _close(place: Sequence[int | str]) -> str:
    tables = {
        "arrivals": Arrivals,
        "packets": Packets,
        "stations": Stations,
        "bursts": Burst,
        "kills": Kill,
        "flood": Flood,
        "server": Model,
        "limits": Limits,
    }
    table = Scenario if len(place) == 1 else tables.get(str(place[0]))
    known = [] if table is None else [field.name for field in fields(table)]
    close = get_close_matches(str(place[-1]), known, n=1)
    return f", did you mean {close[0]}?" if close else ""
