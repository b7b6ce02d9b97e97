"""When the server is in trouble, by outcomes alone."""

import pytest

from gateway.core.recovery.trouble import Trouble, Watch


def outcomes(text: str) -> list[Trouble]:
    """Each ``x`` is a failure, each ``.`` an answer."""
    watch = Watch()
    return [watch.observe(failed=mark == "x") for mark in text]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("xxxx", Trouble.NONE),
        ("xxxxx", Trouble.TRIP),
        ("....................xxxxx", Trouble.TRIP),
        (".x.x.x.x.x", Trouble.TRIP),
        ("x.x.x", Trouble.NONE),
        ("x.x.x.", Trouble.OVERLOAD),
        ("x.x." + 40 * ".", Trouble.NONE),
        ("x.x.x" + 60 * ".", Trouble.NONE),
    ],
)
def test_the_last_outcome_tells(text: str, last: Trouble) -> None:
    assert outcomes(text)[-1] is last


def test_a_rare_failure_among_many_answers_is_no_sign() -> None:
    assert set(outcomes(20 * (50 * "." + "x"))) == {Trouble.NONE}


def test_signs_are_counted_per_measurement() -> None:
    watch = Watch()
    for mark in "x.x.":
        watch.observe(failed=mark == "x")
    watch.begin_measurement()
    assert [watch.observe(failed=failed) for failed in (True, False)] == [Trouble.NONE] * 2
