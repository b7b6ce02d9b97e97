"""What intake can be told. The wiring fills it from the configuration.

Must not know files or the environment.
"""

from dataclasses import dataclass

from gateway.core.routes import Route


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Limits and times of the public listener. Seconds and bytes.

    Attributes:
        hold_seconds: the longest wait for the server's own answer.
        max_body_bytes: a longer body is refused.
        max_inflight_bytes: bodies in memory at once.
        max_connections: that stand at once; an idle one makes room, else the newcomer is refused.
        header_timeout_seconds: from a head's first byte to its last.
        body_idle_timeout_seconds: in each such span a body must get on, and a reader must read.
        keepalive_seconds: an idle connection is kept this long (as nginx, 75 s).
        require_idempotency_key: refuse enrollments without one.
        routes: first match wins.
    """

    hold_seconds: float = 10.0
    max_body_bytes: int = 8_388_608
    max_inflight_bytes: int = 268_435_456
    max_connections: int = 10_000
    header_timeout_seconds: float = 10.0
    body_idle_timeout_seconds: float = 30.0
    keepalive_seconds: float = 75.0
    require_idempotency_key: bool = False
    routes: tuple[Route, ...] = ()
