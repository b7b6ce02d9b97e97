"""Stretches of the file of bodies: none is given to two, none is lost, what is free is one gap."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.core.extents import BLOCK, Extent, Extents

LENGTHS = st.integers(1, 5 * BLOCK)


def blocks(extent: Extent) -> range:
    place, length = extent
    return range(place // BLOCK, (place + length - 1) // BLOCK + 1)


class Stretches(RuleBasedStateMachine):
    """Taken and given in any order, opened again from what is held at any time."""

    taken: Bundle[Extent] = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.extents = Extents((), end=0)
        self.held: set[Extent] = set()

    @rule(target=taken, length=LENGTHS)
    def take(self, length: int) -> Extent:
        growth = self.extents.growth(length)
        place = self.extents.take(length)
        assert (place is None) == (growth > 0)
        if place is None:
            self.extents.grow(self.extents.end + growth)
            place = self.extents.take(length)
        assert place is not None
        return self._hold((place, length))

    @rule(target=taken, before=consumes(taken))
    def move_before(self, before: Extent) -> Extent:
        place = self.extents.take_before(*before)
        if place is None:
            return before
        assert place < before[0]
        self._hold((place, before[1]))
        self.give(before)
        return place, before[1]

    @rule(extent=consumes(taken))
    def give(self, extent: Extent) -> None:
        self.extents.give(extent)
        self.held.remove(extent)

    @rule(beyond=st.integers(0, 9000))
    def open_again(self, beyond: int) -> None:
        self.extents = Extents(sorted(self.held), end=self.extents.end + beyond)

    @rule()
    def shrink(self) -> None:
        self.extents.shrink()
        last = max((block for extent in self.held for block in blocks(extent)), default=-1)
        assert self.extents.end == (last + 1) * BLOCK

    def _hold(self, extent: Extent) -> Extent:
        self.held.add(extent)
        return extent

    @invariant()
    def every_block_is_held_once_or_free_in_one_gap(self) -> None:
        count = self.extents.end // BLOCK
        mine = [block for extent in self.held for block in blocks(extent)]
        assert len(mine) == len(set(mine))
        assert self.extents.held == len(mine) * BLOCK
        free = [False] * count
        for size, start in self.extents._gaps:
            for block in range(start // BLOCK, (start + size) // BLOCK):
                assert not free[block]
                free[block] = True
        assert {block for block in range(count) if not free[block]} == set(mine)
        edges = {start for _, start in self.extents._gaps}
        ends = {start + size for size, start in self.extents._gaps}
        assert not edges & ends, "two gaps meet"


TestStretches: Any = Stretches.TestCase
TestStretches.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(
    claims=st.lists(st.tuples(st.integers(0, 40_000), LENGTHS), min_size=1, max_size=12),
    data=st.data(),
)
def test_what_rows_of_a_damaged_journal_claim_twice_is_given_to_nobody(
    claims: list[Extent], data: st.DataObject
) -> None:
    claims.sort()
    extents = Extents(claims, end=100_000)
    gone = data.draw(st.lists(st.sampled_from(range(len(claims))), unique=True))
    for index in gone:
        extents.give(claims[index])
    left = {
        block for index, claim in enumerate(claims) if index not in gone for block in blocks(claim)
    }
    new = set[int]()
    while (place := extents.take(BLOCK)) is not None:
        assert not left & {place // BLOCK}
        assert not new & {place // BLOCK}
        new.add(place // BLOCK)


def test_the_smallest_gap_that_fits_is_taken_and_the_file_grows_by_what_is_missing() -> None:
    extents = Extents([(2 * BLOCK, BLOCK), (4 * BLOCK, BLOCK)], end=6 * BLOCK)
    assert extents.take(BLOCK) == 3 * BLOCK
    assert extents.take(2 * BLOCK - 1) == 0
    assert extents.growth(BLOCK) == 0
    assert extents.growth(BLOCK + 1) == BLOCK, "one block is free at the end"
