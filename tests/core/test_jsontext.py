"""JSON of all that a header may hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import jsontext

# Bytes that are not UTF-8 arrive as lone surrogates.
texts = st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(st.dictionaries(texts, st.lists(texts | st.integers(-(2**53), 2**53) | st.none())))
def test_what_is_written_comes_back_and_is_json_to_others(value: dict[str, object]) -> None:
    written = jsontext.dump(value)
    assert jsontext.load(written) == value
    assert json.loads(written) == value


def test_what_an_older_gateway_wrote_is_read() -> None:
    older = json.dumps(["caf\u00e9", "caf\udce9", 1, None], separators=(",", ":")).encode("ascii")
    assert jsontext.load(older) == ["caf\u00e9", "caf\udce9", 1, None]


def test_what_is_no_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        jsontext.load(b"{")
