"""What goes on to the upstream, and what never leaves its base URL."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.enrollment import Headers
from gateway.core.forwarding import (
    TargetUnsafe,
    check_target,
    end_to_end,
    forwarded,
    is_host,
    via,
    with_credential,
)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/enrollments?kecamatan=01&x=%2F",
        "/a//b",
        "/a/%2Fb",
        "/100%25/a%252Fb",
        "/a.b/..c/d..",
        "/a?next=../up//x%2e%2e",
        "/_gateway/receipts/1",
        "/caf%C3%A9",
    ],
)
def test_a_safe_target_is_not_altered(target: str) -> None:
    assert check_target(target, host="gateway") == target


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("//host/x", "target-authority"),
        ("/../etc", "target-dot-segments"),
        ("/a/../b", "target-dot-segments"),
        ("/a/./b", "target-dot-segments"),
        ("/a/..", "target-dot-segments"),
        ("/%2e%2e/etc", "target-dot-segments"),
        ("/.%2E/etc", "target-dot-segments"),
        ("/a%2f..%2fb", "target-dot-segments"),
        ("/a%5c..%5cb", "target-dot-segments"),
        ("/a\\..\\b", "target-dot-segments"),
        ("/..;x/manager", "target-dot-segments"),
        ("/%5fgateway/receipts/1", "target-reserved"),
        ("/_gateway%2Freceipts/1", "target-reserved"),
        ("/%255fgateway/receipts/1", "target-reserved"),
        ("/%252e%252e/etc", "target-dot-segments"),
        ("/a/%25252e./b", "target-dot-segments"),
        ("/%2fhost/x", "target-authority"),
        ("/\\host/x", "target-authority"),
        ("/%5c%5chost/x", "target-authority"),
        ("/%2525252525252e/etc", "target-encoding"),
        ("/a#b", "target-characters"),
        ("/a b", "target-characters"),
        ("/\x7f", "target-characters"),
        ("/é", "target-characters"),
        ("http://elsewhere/x", "target-host"),
        ("http://gateway@elsewhere/x", "target-host"),
        ("ftp://gateway/x", "target-form"),
        ("*", "target-form"),
        ("gateway:443", "target-form"),
        ("", "target-form"),
    ],
)
def test_an_unsafe_target_is_refused(target: str, reason: str) -> None:
    with pytest.raises(TargetUnsafe) as refusal:
        check_target(target, host="gateway")
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("target", "origin"),
    [
        ("http://gateway/x?y", "/x?y"),
        ("HTTP://GATEWAY/x", "/x"),
        ("https://gateway", "/"),
    ],
)
def test_the_absolute_form_of_this_host_is_its_origin_form(target: str, origin: str) -> None:
    assert check_target(target, host="gateway") == origin


@given(st.text(st.sampled_from("/.%2eEfF5cC\\;?#a_"), max_size=24))
def test_no_accepted_path_climbs(tail: str) -> None:
    try:
        target = check_target("/" + tail, host="gateway")
    except TargetUnsafe:
        return
    path = unquote(target.partition("?")[0]).replace("\\", "/")
    assert not {".", ".."} & set(path.split("/"))
    assert not target.startswith("//")


@given(st.text(max_size=40))
@pytest.mark.fault(
    35,
    did="any text as a target (hypothesis)",
    sees="returned clean or refused",
    stand_in="the rule itself, without a socket",
)
def test_any_target_is_returned_clean_or_refused(target: str) -> None:
    try:
        accepted = check_target(target, host="gateway")
    except TargetUnsafe:
        return
    assert accepted.startswith("/")
    assert accepted.isascii()


def test_hop_by_hop_headers_stay_and_the_rest_goes_on_in_order() -> None:
    received = (
        ("Host", "gateway"),
        ("X-First", "1"),
        ("Connection", "close, X-Hop"),
        ("connection", "x-other"),
        ("X-Hop", "no"),
        ("X-Other", "no"),
        ("Keep-Alive", "5"),
        ("TE", "trailers"),
        ("Trailer", "X-Sum"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "3"),
        ("Expect", "100-continue"),
        ("Upgrade", "h2c"),
        ("Proxy-Authorization", "Basic x"),
        ("Authorization", "Bearer x"),
        ("Content-Type", "text/plain"),
        ("X-First", "2"),
    )
    assert end_to_end(received, without=frozenset({"authorization"})) == (
        ("X-First", "1"),
        ("Content-Type", "text/plain"),
        ("X-First", "2"),
    )


def test_via_names_the_version_received() -> None:
    assert via((1, 0)) == "1.0 enrollment-gateway"


@pytest.mark.parametrize(
    ("address", "host", "element"),
    [
        ("192.0.2.7", "gateway", "for=192.0.2.7;host=gateway;proto=http"),
        ("192.0.2.7", "gateway:8080", 'for=192.0.2.7;host="gateway:8080";proto=http'),
        ("2001:db8::1", None, 'for="[2001:db8::1]";proto=http'),
        (None, None, "for=unknown;proto=http"),
        ("192.0.2.7", 'x"y', 'for=192.0.2.7;host="x\\"y";proto=http'),
    ],
)
def test_forwarded_quotes_what_is_no_token(
    address: str | None, host: str | None, element: str
) -> None:
    assert forwarded(address=address, host=host, scheme="http") == element


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        (None, (("authorization", "station"), ("X-Note", "one"))),
        ("gateway", (("X-Note", "one"), ("Authorization", "gateway"))),
    ],
)
def test_the_gateways_own_credential_takes_the_place_of_the_stations(
    own: str | None, sent: Headers
) -> None:
    assert with_credential((("authorization", "station"), ("X-Note", "one")), own) == sent


@pytest.mark.parametrize(
    "host", ["g", "g:8080", "g:", "10.0.0.7", "[::1]", "[2001:db8::1]:8080", "a_b.c-d~e", "g%2d"]
)
def test_a_name_or_an_address_is_a_host(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "g/x", "g@h", "g, h", "g h", 'g"', "g:80a", "g:123456", "::1", "[g]", "g%2", "g\\h"],
)
def test_what_names_no_host_is_none(host: str) -> None:
    assert not is_host(host)
