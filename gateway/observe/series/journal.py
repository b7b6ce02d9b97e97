"""What the journal holds, and how quick it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.core import facts
from gateway.core.lifecycle import Status
from gateway.observe.series.making import SHORT, Counts, Maker, series

RECORDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, slots=True)
class JournalLevels:
    """What the journal holds at one moment.

    Attributes:
        enrollments: how many stand at each status.
        oldest_age: seconds since the oldest undelivered one was accepted; 0 when there is none.
        used: bytes taken.
        limit: bytes allowed.
        free: bytes free on its disk; None when unknown.
        least_free: bytes that must stay free there.
    """

    enrollments: Mapping[Status, int]
    oldest_age: float
    used: int
    limit: int
    free: int | None
    least_free: int


class JournalSeries:
    """Moved by its commits; its levels are handed in."""

    def __init__(self, make: Maker) -> None:
        self._ready = make.gauge("ready", "1 when a promise is possible: what /readyz says.")
        self._commit_duration = make.histogram(
            "journal_commit_duration_seconds", "One group commit, until durable.", SHORT
        ).labels()
        self._commit_records = make.histogram(
            "journal_commit_records", "Changes made durable by one group commit.", RECORDS
        ).labels()
        self._enrollments = series(
            make.gauge("enrollments", "Enrollments in the journal, by status.", "status"),
            status=Status,
        )
        self._oldest = make.gauge(
            "oldest_undelivered_age_seconds",
            "Age of the oldest enrollment not yet delivered; 0 when there is none.",
        )
        self._bytes = make.gauge("journal_bytes", "Bytes taken by the journal.")
        self._limit_bytes = make.gauge("journal_limit_bytes", "Bytes the journal may take.")
        self._free_bytes = make.gauge(
            "journal_free_bytes", "Bytes free on the journal's disk; NaN when unknown."
        )
        self._least_free_bytes = make.gauge(
            "journal_min_free_bytes", "Bytes that must stay free there; below, nothing is accepted."
        )
        self.counts: Counts = {
            facts.JournalCommitted: self._committed,
        }

    def _committed(self, fact: facts.JournalCommitted) -> None:
        self._commit_duration.observe(fact.seconds)
        self._commit_records.observe(fact.records)

    def set_ready(self, *, ready: bool) -> None:
        """Set whether a promise is possible."""
        self._ready.set(ready)

    def set_levels(self, levels: JournalLevels | None) -> None:
        """Set the levels of the journal. None: it does not answer, and no old figure may stand."""
        nan = float("nan")
        for (status,), gauge in self._enrollments.items():
            gauge.set(levels.enrollments.get(Status(status), 0) if levels else nan)
        self._oldest.set(levels.oldest_age if levels else nan)
        self._bytes.set(levels.used if levels else nan)
        self._limit_bytes.set(levels.limit if levels else nan)
        self._free_bytes.set(levels.free if levels and levels.free is not None else nan)
        self._least_free_bytes.set(levels.least_free if levels else nan)
