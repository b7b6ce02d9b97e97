"""A trace that comes with a request goes on, unless it is none, or may tell of a citizen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.traceparent import TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
NIK = "3603010101900000"


def of(*values: str, name: str = "traceparent") -> TraceContext | None:
    return TraceContext.of(tuple((name, value) for value in values))


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (GIVEN, True),
        (f" {GIVEN}\t", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),  # of other flags nothing is known
        (f"cc-{TRACE}-{SPAN}-01", True),  # a later version says as much, and maybe more
        (f"cc-{TRACE}-{SPAN}-01-what-will-come", True),
    ],
)
def test_a_span_is_read_from_its_header(value: str, sampled: bool) -> None:  # noqa: FBT001
    assert of(value) == TraceContext(TRACE, SPAN, sampled)
    assert of(value, name="TraceParent") == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        (GIVEN, GIVEN),
        (f"ff-{TRACE}-{SPAN}-01",),
        (f"{GIVEN}-more",),
        (f"00-{TRACE.upper()}-{SPAN}-01",),
        (f"00-{'0' * 32}-{SPAN}-01",),
        (f"00-{TRACE}-{'0' * 16}-01",),
        (f"00-{TRACE}-{SPAN}",),
        (f"00-{TRACE[1:]}-{SPAN}-01",),
        (f"00-{NIK}{NIK}-{SPAN}-01",),
        (f"00-{TRACE}-{NIK}-01",),
        (f"00-abcd{NIK}{TRACE[20:]}-{SPAN}-01",),
    ],
)
def test_what_is_malformed_or_may_hold_a_number_is_no_trace(values: tuple[str, ...]) -> None:
    assert of(*values) is None


@given(st.text())
def test_no_text_is_too_odd(value: str) -> None:
    of(value)


def test_a_span_of_the_same_trace_takes_the_parents_place_alone() -> None:
    ours = TraceContext(TRACE, "b7ad6b7169203331", sampled=True)
    headers = (("A", "1"), ("TraceParent", GIVEN), ("tracestate", "x=1"), ("B", "2"))
    sent = ours.sends(headers)
    assert sent == (
        *(("A", "1"), ("tracestate", "x=1"), ("B", "2")),
        ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),
    )
    assert TraceContext.of(sent) == ours


def test_where_a_trace_begins_anew_nothing_of_the_old_one_goes_on() -> None:
    ours = TraceContext("0af7651916cd43dd8448eb211c80319c", SPAN, sampled=False)
    headers = (("traceparent", f"00-{NIK}{NIK}-{SPAN}-01"), ("TraceState", f"x={NIK}"), ("A", "1"))
    assert ours.sends(headers) == (("A", "1"), ("traceparent", str(ours)))
    assert str(ours).endswith("-00")
