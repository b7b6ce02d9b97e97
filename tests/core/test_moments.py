"""Moments as text."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.moments import iso


@example(moment=1_795_482_123.9999996)  # rounds up into the next second
@example(moment=-0.0005)
@given(moment=st.floats(-1e9, 1e11))
def test_a_moment_reads_as_datetime_writes_it(moment: float) -> None:
    # An audit that was kept by an older gateway is checked against this text.
    known = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    assert iso(moment) == known.removesuffix("+00:00") + "Z"
