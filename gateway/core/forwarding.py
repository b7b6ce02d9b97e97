"""What goes on to the upstream: which headers, and which targets are safe (RFC 9110, RFC 9112).

Must not know sockets. What is ambiguous is refused, never repaired: two readers of a repaired
request may disagree about what it says.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from gateway.core.enrollment import Headers

# What an HTTP client adds of its own; what the station did not send must not be sent.
NOT_ADDED: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
OWN_PATHS: Final = "/_gateway/"
PSEUDONYM: Final = "enrollment-gateway"

# RFC 9110, section 7.6.1, and those that speak of this connection or of this message's framing.
# Expect was met here: the body is in hand.
HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_VISIBLE: Final = re.compile(r"[\x21\x22\x24-\x7e]+")  # visible ASCII without "#"
_MOST_DECODED: Final = 4  # encoded more often than this, a path is no honest one
_SEPARATOR: Final = re.compile(r"[/\\]")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110, section 7.2, and RFC 3986, section 3.2.2: a name, an address, perhaps a port.
_HOST: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[0-9A-Za-z._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?"
)


class TargetUnsafe(ValueError):
    """The request target may mean another place than it says. ``reason``: one fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the request target is refused: {reason}")
        self.reason = reason


def check_target(target: str, *, host: str | None) -> str:
    """The target in origin form: path and query, not altered by a byte.

    Args:
        target: as it stood in the request line.
        host: the ``Host`` header; an absolute-form target must name the same.

    Raises:
        TargetUnsafe: it could leave the upstream's base URL, or is no target at all.
    """
    if not target.startswith("/"):
        target = _origin_form(target, host)
    if not _VISIBLE.fullmatch(target):
        raise TargetUnsafe("target-characters")
    path = target.partition("?")[0]
    if path.startswith("//"):
        raise TargetUnsafe("target-authority")
    if "%" in path or "." in path or "\\" in path:
        _check_segments(path)
    return target


@lru_cache(maxsize=64)
def is_host(value: str) -> bool:
    """Whether a ``Host`` header names a host. A list, a path or a login in it is none."""
    return _HOST.fullmatch(value) is not None


def _origin_form(target: str, host: str | None) -> str:
    """RFC 9112, section 3.2.2: an absolute form is accepted when it names this very host."""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        raise TargetUnsafe("target-form")
    authority, slash, path = rest.partition("/")
    if host is None or authority.lower() != host.lower():
        raise TargetUnsafe("target-host")
    return slash + path if slash else "/"


def _check_segments(path: str) -> None:
    """Every form that the path takes as it is decoded: some servers decode it twice."""
    for _ in range(_MOST_DECODED):
        if _SEPARATOR.sub("/", path[:2]) == "//":
            raise TargetUnsafe("target-authority")
        for segment in _SEPARATOR.split(path):
            # Some servers cut a path parameter off first: "..;x" is ".." to them.
            if segment.partition(";")[0] in {".", ".."}:
                raise TargetUnsafe("target-dot-segments")
        plain = unquote(path, "latin-1")
        if plain == path:
            return
        if plain.startswith(OWN_PATHS) and not path.startswith(OWN_PATHS):
            raise TargetUnsafe("target-reserved")
        path = plain
    raise TargetUnsafe("target-encoding")


def end_to_end(
    headers: Iterable[tuple[str, str]], *, without: frozenset[str] = frozenset()
) -> Headers:
    """The headers that go on, in order: neither hop-by-hop, nor named in ``Connection``.

    Args:
        headers: as received.
        without: more names to leave out, in lower case.
    """
    pairs = [(header, header[0].lower()) for header in headers]
    named = [header[1] for header, lower in pairs if lower == "connection"]
    dropped = without | options_of(named) if named else without
    return tuple(
        [header for header, lower in pairs if lower not in HOP_BY_HOP and lower not in dropped]
    )


def options_of(connection: Iterable[str]) -> frozenset[str]:
    """The names, in lower case, that all lines of ``Connection`` keep to this connection."""
    return frozenset(option.strip().lower() for value in connection for option in value.split(","))


def sendable(headers: Headers) -> Headers:
    """The headers whose values can be written again as the bytes that they were.

    aiohttp reads a value as UTF-8 and keeps other bytes as surrogates, which it cannot write.
    """
    return tuple([header for header in headers if header[1].isascii() or is_text(header[1])])


def is_text(value: str) -> bool:
    """Whether a header's value is ASCII or valid UTF-8."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def with_credential(headers: Headers, own: str | None) -> Headers:
    """The gateway's own ``Authorization`` in the place of the station's; None: it has none."""
    if own is None:
        return headers
    others = tuple(header for header in headers if header[0].lower() != "authorization")
    return (*others, ("Authorization", own))


@lru_cache(maxsize=8)
def via(version: tuple[int, int]) -> str:
    """Our ``Via`` (RFC 9110, section 7.6.3) for a message received in this HTTP version."""
    return f"{version[0]}.{version[1]} {PSEUDONYM}"


def forwarded(*, address: str | None, host: str | None, scheme: str) -> str:
    """Our ``Forwarded`` element (RFC 7239): who asked, for which host, over what.

    Args:
        address: the station's IP address, or None if it has none.
        host: the ``Host`` header as received.
        scheme: ``http`` or ``https``.
    """
    node = address or "unknown"
    node = f'"[{node}]"' if ":" in node else node
    return f"for={node};{_asked_over(host, scheme)}"


@lru_cache(maxsize=64)
def _asked_over(host: str | None, scheme: str) -> str:
    """Nearly all stations ask for the same host."""
    return f"host={_token_or_quoted(host)};proto={scheme}" if host else f"proto={scheme}"


def _token_or_quoted(value: str) -> str:
    if _TOKEN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
