"""What comes beside the body in hand is counted, and forgotten when it is due."""

from dataclasses import dataclass

from gateway.intake.excess import FRAMING_PER_BYTE, MOST_AHEAD, MOST_FRAMING, Excess


@dataclass
class Body:
    total_bytes: int = 0


def test_what_is_ahead_adds_up() -> None:
    excess = Excess()
    assert not excess.is_too_far_ahead(MOST_AHEAD)
    assert excess.is_too_far_ahead(1)


def test_who_has_caught_up_may_be_ahead_again() -> None:
    excess = Excess()
    for _ in range(3):
        assert not excess.is_too_far_ahead(MOST_AHEAD)
        excess.caught_up()


def test_framing_may_take_so_much_and_so_many_times_what_it_carries() -> None:
    body, excess = Body(), Excess()
    assert not excess.is_too_much_framing(body, MOST_FRAMING)
    body.total_bytes = 10
    assert not excess.is_too_much_framing(body, 10 + 10 * FRAMING_PER_BYTE)
    assert excess.is_too_much_framing(body, 1)


def test_each_body_has_a_bound_of_its_own() -> None:
    excess = Excess()
    for body in (Body(), Body(), Body()):
        assert not excess.is_too_much_framing(body, MOST_FRAMING)
