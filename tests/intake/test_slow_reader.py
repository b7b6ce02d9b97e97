"""A station must read its answer, however slowly; one that does not is cut."""

import asyncio

from gateway.intake.slow_reader import SlowReader
from gateway.intake.upload import LEAST_PROGRESS

SPAN, SPANS = 0.02, 3


class Station(asyncio.Transport):
    """Its buffer holds what it has not read. ``decided``: it was cut, or some spans are over."""

    def __init__(self, *, each_span: int) -> None:
        super().__init__()
        self._unread, self._each_span = 1_000_000, each_span
        self.looks, self.is_cut, self.decided = 0, False, asyncio.Event()

    def get_write_buffer_size(self) -> int:
        """Looked at when a span begins and when it ends; it reads between the two."""
        self.looks += 1
        if self.looks % 2 == 0:
            self._unread -= self._each_span
        if self.looks > 2 * SPANS:
            self.decided.set()
        return self._unread

    def abort(self) -> None:
        self.is_cut = True
        self.decided.set()


async def test_one_that_reads_enough_in_each_span_is_not_cut() -> None:
    station = Station(each_span=LEAST_PROGRESS)
    reader = SlowReader(station, idle_seconds=SPAN)
    await asyncio.wait_for(station.decided.wait(), 10)
    reader.stop()
    assert not station.is_cut


async def test_one_that_reads_less_is_cut() -> None:
    station = Station(each_span=LEAST_PROGRESS - 1)
    SlowReader(station, idle_seconds=SPAN)
    await asyncio.wait_for(station.decided.wait(), 10)
    assert station.is_cut


async def test_who_has_read_enough_is_watched_no_more() -> None:
    station = Station(each_span=0)
    SlowReader(station, idle_seconds=SPAN).stop()
    await asyncio.sleep(3 * SPAN)
    assert (station.looks, station.is_cut) == (1, False)
