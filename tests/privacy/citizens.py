"""People who do not exist, with everything that a careless program could leave behind of them."""

import base64
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Kecamatan of Kabupaten Tangerang. The serial 0000 is given to nobody, so no number is a person's.
_REGIONS: Final = [f"3603{kecamatan:02}" for kecamatan in (*range(1, 21), 22, 23, *range(27, 34))]
CANARY: Final = "kenari-emas"
"""Stands in every marker; so long that chance does not write it in base64 of sealed bytes."""


@dataclass(frozen=True)
class Citizen:
    """A made-up person.

    Attributes:
        nik: 16 digits.
        marker: letters that stand in the body and nowhere else.
    """

    nik: str
    marker: str

    def dresses(self) -> list[str]:
        """The number as people and programs write it, fit for a header's value."""
        nik = self.nik
        groups = [nik[:4], nik[4:8], nik[8:12], nik[12:]]
        return [
            nik,
            " ".join(groups),
            "-".join(groups),
            ".".join((nik[:6], nik[6:12], nik[12:])),
            "%20".join(groups),
            "%2D".join(groups),
            "".join(f"%3{digit}" for digit in nik),
            "".join(f"%253{digit}" for digit in nik),
            f"NIK:{nik};",
        ]

    def for_path(self) -> list[str]:
        """The dresses that a request target can have."""
        return [dress for dress in self.dresses() if " " not in dress and ";" not in dress]

    def body(self) -> bytes:
        """What a station sends of this person."""
        picture = base64.b64encode(f"picture of {self.marker}".encode()).decode()
        told = {"nik": self.nik, "written": self.dresses(), "note": self.marker, "photo": picture}
        return repr(told).encode()


def citizens(count: int, *, seed: int = 17) -> Iterator[Citizen]:
    """So many different people."""
    rng = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        day = rng.randint(1, 28) + rng.choice((0, 40))  # women: the day of birth + 40
        born = f"{day:02}{rng.randint(1, 12):02}{rng.randint(0, 99):02}"
        nik = f"{rng.choice(_REGIONS)}{born}0000"
        if nik not in seen:
            seen.add(nik)
            letters = "".join(rng.choices(string.ascii_lowercase, k=12))
            yield Citizen(nik, f"{CANARY}-{letters}")
