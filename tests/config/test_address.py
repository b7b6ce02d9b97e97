"""Addresses: read, written, refused."""

import pytest

from gateway.config import Address


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.9.9.9:0", "127.9.9.9", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("localhost:1", "localhost", 1, True),
        ("0.0.0.0:8080", "0.0.0.0", 8080, False),
        ("gateway.example:8080", "gateway.example", 8080, False),
    ],
)
def test_an_address_is_read_and_written(text: str, host: str, port: int, *, loopback: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", ":80", "a", "a:", "a:b", "a:70000", "u@a:1", "a:1/x", "[::1:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be HOST:PORT"):
        Address.parse(text)


def test_a_wildcard_is_called_on_this_machine() -> None:
    assert str(Address.parse("0.0.0.0:9").reachable) == "127.0.0.1:9"
    assert str(Address.parse("[::]:9").reachable) == "[::1]:9"
