"""Synthetic enrollments: a made-up citizen and a packet of bytes, the same for the same seed.

Knows nothing of HTTP or time. Every NIK ends in serial 0000, so that it is no living person's.
"""

import hashlib
import json
import math
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import NamedTuple

from faker import Faker

CITIZENS = 500
"""Faker takes too long to be asked for each packet: so many people are made up, and taken turns."""

P95 = NormalDist().inv_cdf(0.95)
OLDEST = date(1940, 1, 1)
YOUNGEST = date(1999, 12, 31)
NOISE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PacketSizes:
    """Lognormal sizes in bytes, cut at `max_bytes`, all multiplied by `scale`."""

    median_bytes: float
    p95_bytes: float
    max_bytes: float
    scale: float

    def at(self, quantile: float) -> int:
        """The size at `quantile` in (0, 1)."""
        sigma = math.log(self.p95_bytes / self.median_bytes) / P95
        size = self.median_bytes * math.exp(sigma * NormalDist().inv_cdf(quantile))
        return int(min(size, self.max_bytes) * self.scale)


class _Person(NamedTuple):
    name: str
    woman: bool
    born_in: str
    street: str


class _Draw(NamedTuple):
    """Numbers that depend on (seed, station, number) alone, cheaper than a seeded generator."""

    size: float
    person: int
    birthday: int
    noise: int
    update: float
    other: float


class Registry:
    """Makes the packets of one seed: all of them differ, and each can be made again at any time."""

    def __init__(self, seed: int, sizes: PacketSizes, ordered_share: float = 0.0) -> None:
        """Make up the citizens once.

        Args:
            seed: everything follows from it.
            sizes: how large packets are.
            ordered_share: the share of enrollments that must keep an order: a recording and the
                correction after it, both of one citizen.
        """
        self._seed = seed
        self._sizes = sizes
        self._updates = ordered_share / 2
        self._noise = random.Random(seed).randbytes(NOISE_BYTES)
        self._people = _people(seed)

    def first_of(self, station: str, number: int) -> int:
        """The first enrollment of the same citizen at this station: `number` itself if it is."""
        while number > 0 and self._draw(station, number).update < self._updates:
            number -= 1
        return number

    def is_ordered(self, station: str, number: int) -> bool:
        """Whether `number` corrects an earlier enrollment, or the next one corrects it."""
        return (
            self.first_of(station, number) != number
            or self._draw(station, number + 1).update < self._updates
        )

    def draw(self, station: str, number: int) -> float:
        """A number in [0, 1) for whatever else depends on the enrollment alone."""
        return self._draw(station, number).other

    def packet(self, station: str, number: int) -> bytes:
        """The body of the `number`-th enrollment (from 0) at `station`, like "36.03.12-1".

        One line of JSON with the biodata, then bytes that stand for photo, fingerprints and irises.
        """
        draw = self._draw(station, number)
        first = self.first_of(station, number)
        whose = draw if first == number else self._draw(station, first)
        person = self._people[whose.person % CITIZENS]
        born = OLDEST + timedelta(whose.birthday % (YOUNGEST - OLDEST).days)
        biodata = {
            "kind": "record" if first == number else "correct",
            "nik": nik(station, born, woman=person.woman),
            "name": person.name,
            "born": f"{person.born_in}, {born.isoformat()}",
            "address": person.street,
            "station": station,
            "number": number,
        }
        head = json.dumps(biodata, separators=(",", ":")).encode() + b"\n"
        tail = max(0, self._sizes.at(draw.size) - len(head))
        start = draw.noise % (NOISE_BYTES - tail)
        return head + self._noise[start : start + tail]

    def _draw(self, station: str, number: int) -> _Draw:
        digest = hashlib.blake2b(f"{self._seed}/{station}/{number}".encode(), digest_size=24)
        a, b, c, d, e, f = struct.unpack(">6I", digest.digest())
        return _Draw((a + 0.5) / 2**32, b, c, d, e / 2**32, f / 2**32)


def nik(station: str, born: date, *, woman: bool) -> str:
    """A synthetic identity number: region, DDMMYY of birth (women: day + 40), serial 0000."""
    region = station[:8].replace(".", "")
    return f"{region}{born.day + 40 * woman:02}{born.month:02}{born.year % 100:02}0000"


def _people(seed: int) -> Sequence[_Person]:
    fake = Faker("id_ID")
    fake.seed_instance(seed)
    return [
        _Person(
            name=fake.name_female() if woman else fake.name_male(),
            woman=woman,
            born_in=fake.city(),
            street=fake.street_address(),
        )
        for woman in (n % 2 == 0 for n in range(CITIZENS))
    ]
