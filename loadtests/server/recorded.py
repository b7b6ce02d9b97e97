"""What the simulated server has recorded, by key: small enough for a season's worth of keys.

Pure. Must not know HTTP, time, or whether keys are honoured.
"""

from array import array
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """The first effect of a key: its number in the ledger, and when."""

    number: int
    at: float


class RecordedKeys:
    """How often each key came, and its first effect; about 250 bytes a key."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._seen = array("L")
        self._numbers = array("Q")  # 0: not recorded
        self._times = array("d")

    def see(self, key: str) -> int:
        """Count one more request with this key; tell how many it makes."""
        row = self._rows.setdefault(key, len(self._seen))
        if row == len(self._seen):
            self._seen.append(0)
            self._numbers.append(0)
            self._times.append(0.0)
        self._seen[row] += 1
        return self._seen[row]

    def record(self, key: str, number: int, at: float) -> None:
        """Keep the first effect of a key that was seen; a later one leaves it."""
        row = self._rows[key]
        if not self._numbers[row]:
            self._numbers[row] = number
            self._times[row] = at

    def find(self, key: str) -> Record | None:
        """Find the first effect of this key."""
        row = self._rows.get(key)
        if row is None or not self._numbers[row]:
            return None
        return Record(self._numbers[row], self._times[row])
