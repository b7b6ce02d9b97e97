"""What a request and its connection tell together: who asks, for what, in which language.

Must not know what becomes of it.
"""

from aiohttp import web

from gateway.core.enrollment import Headers
from gateway.core.forwarding import TargetUnsafe, check_target, end_to_end, forwarded, via
from gateway.core.problems import Language, ProblemType, choose_language
from gateway.intake.connection import StationConnection
from gateway.intake.replies import Refused
from gateway.intake.stations import Station, Stations


def safe_target(request: web.BaseRequest) -> str:
    """Path and query, not altered by a byte.

    Raises:
        Refused: ``bad-request``: it may mean another place than it says.
    """
    try:
        return check_target(request.raw_path, host=request.headers.get("Host"))
    except TargetUnsafe as unsafe:
        raise Refused(ProblemType.BAD_REQUEST, reason=unsafe.reason) from None


def identify(
    stations: Stations, request: web.BaseRequest, connection: StationConnection
) -> Station:
    """The station that asks.

    Raises:
        Refused: ``unauthorized``.
    """
    transport = connection.transport
    certificate = None if transport is None else transport.get_extra_info("peercert")
    return stations.identify(
        authorizations=request.headers.getall("Authorization", ()),
        certificate=certificate,
    )


def onward(
    request: web.BaseRequest, connection: StationConnection, *, without: frozenset[str]
) -> Headers:
    """The headers that go on, and after them who sent them and how they came.

    Args:
        request: the station's.
        connection: knows its address and whether it came over TLS.
        without: names to leave out, in lower case.
    """
    peer = connection.peername
    origin = forwarded(
        address=peer[0] if isinstance(peer, tuple) else None,
        host=request.headers.get("Host"),
        scheme="http" if connection.ssl_context is None else "https",
    )
    return (
        *end_to_end(request.headers.items(), without=without),
        ("Via", via(request.version)),
        ("Forwarded", origin),
    )


def language_of(request: web.BaseRequest) -> Language:
    """The language of problem texts for this request."""
    return choose_language(request.headers.get("Accept-Language"))
