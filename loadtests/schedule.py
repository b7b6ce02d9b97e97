"""What every station sends and when: all of it follows from the scenario, the seed and a tag.

Pure. The real run and the simulation under virtual time walk the same schedule.
"""

import hashlib
import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.arrivals import Flood, Profile, due_times, flooding
from loadtests.enrollments import Registry
from loadtests.logs import Sent, Told
from loadtests.scenario import Scenario
from loadtests.scenario_parts import Burst
from loadtests.stations import Answer, Decision, of_desk, station_names

PRIORITY = 3
"""RFC 9218's default: nothing is asked for."""


@dataclass(slots=True)
class Enrollment:
    """What a station keeps of an enrollment until it is final; the packet is made again."""

    station: str
    number: int
    key: str
    ordering_key: str | None
    asynchronous: bool
    sha256: str
    bytes: int
    due: float
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Of all stations, each of which gets `share` of the arrivals.

    `desks` are in each kecamatan; `tag` keeps the keys of one run apart from those of another.
    """

    profile: Profile
    share: float
    registry: Registry
    bursts: Sequence[Burst]
    desks: int
    asynchronous_share: float
    seed: int
    tag: str
    flood: Flood | None = None

    @classmethod
    def of(cls, scenario: Scenario, seed: int, tag: str) -> "Schedule":
        """The schedule of a scenario as it is, which is to say already scaled."""
        stations = scenario.stations
        return cls(
            profile=scenario.arrivals.profile(),
            share=1 / len(station_names(stations.per_kecamatan)),
            registry=Registry(seed, scenario.packets.sizes(), stations.ordered_share),
            bursts=scenario.bursts,
            desks=stations.per_kecamatan,
            asynchronous_share=stations.asynchronous_share,
            seed=seed,
            tag=tag,
            flood=scenario.flood,
        )

    def due_times(self, station: str) -> Iterator[float]:
        """When citizens come, and when what was kept back is sent, in seconds from the origin."""
        usual = due_times(
            self.profile, self.share, random.Random(f"{self.seed}/{station}/arrivals")
        )
        rng = random.Random(f"{self.seed}/{station}/flood")
        flood = flooding(self.profile, self.share, station, self.flood, rng)
        kept_back = (self._of_burst(burst, station) for burst in self.bursts)
        return heapq.merge(usual, flood, *kept_back)

    def _of_burst(self, burst: Burst, station: str) -> Iterator[float]:
        count = of_desk(station, burst.kecamatan, burst.count, self.desks)
        return (burst.at_seconds + burst.over_seconds * number / count for number in range(count))

    def enrollment(self, station: str, number: int, due: float) -> tuple[Enrollment, bytes]:
        """The `number`-th enrollment (from 0) of a station, and its packet; `due` is noted."""
        registry = self.registry
        body = registry.packet(station, number)
        ordered = registry.is_ordered(station, number)
        first = registry.first_of(station, number) if ordered else number
        enrollment = Enrollment(
            station=station,
            number=number,
            key=f"{self.tag}-{station}-{number}",
            ordering_key=f"{self.tag}-{station}-{first}" if ordered else None,
            asynchronous=registry.draw(station, number) < self.asynchronous_share,
            sha256=hashlib.sha256(body).hexdigest(),
            bytes=len(body),
            due=due,
        )
        return enrollment, body

    def packet(self, enrollment: Enrollment) -> bytes:
        """The packet again."""
        return self.registry.packet(enrollment.station, enrollment.number)


def sent(enrollment: Enrollment, at: float) -> Sent:
    """The line of the log for one try."""
    return Sent(
        key=enrollment.key,
        station=enrollment.station,
        ordering_key=enrollment.ordering_key,
        priority=PRIORITY,
        sha256=enrollment.sha256,
        bytes=enrollment.bytes,
        due=enrollment.due,
        at=at,
        attempt=enrollment.attempt,
    )


def told(enrollment: Enrollment, answer: Answer, decision: Decision, at: float) -> Told:
    """The line of the log for what a desk knows after an answer."""
    return Told(
        key=enrollment.key,
        at=at,
        attempt=enrollment.attempt,
        status=answer.recorded_status or answer.status,
        told=decision.told,
        receipt=answer.receipt,
        replayed=answer.replayed,
        error=answer.error,
    )
