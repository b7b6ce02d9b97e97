"""What a request and its connection tell together: who asks, over what, in which language.

Must not know what becomes of it.
"""

from gateway.core.enrollment import Headers
from gateway.core.forwarding import forwarded, via
from gateway.core.problems import Language, choose_language
from gateway.intake.connection import StationConnection
from gateway.intake.head import Head
from gateway.intake.request import Request
from gateway.intake.stations import Station, Stations


def identify(stations: Stations, head: Head, connection: StationConnection) -> Station:
    """The station that asks.

    Raises:
        Refused: ``unauthorized``.
    """
    certificate = None
    if connection.ssl_context is not None and connection.transport is not None:
        certificate = connection.transport.get_extra_info("peercert")
    return stations.identify(
        authorizations=head.said.get("authorization", ()), certificate=certificate
    )


def signed(headers: Headers, head: Head, connection: StationConnection) -> Headers:
    """The headers that go on, and after them who sent them and how they came.

    Args:
        headers: those that go on.
        head: the station's.
        connection: knows its address and whether it came over TLS.
    """
    peer = connection.peername
    origin = forwarded(
        address=peer[0] if isinstance(peer, tuple) else None,
        host=head.host,
        scheme="http" if connection.ssl_context is None else "https",
    )
    return (*headers, ("Via", via(head.version)), ("Forwarded", origin))


def language_of(request: Request) -> Language:
    """The language of problem texts for this request."""
    return choose_language(request.headers.get("Accept-Language"))
