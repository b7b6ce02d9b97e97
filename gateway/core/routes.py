"""Which requests are kept and which are only passed on: the ``[[routes]]`` table, first match wins.

Must not know HTTP beyond method and path.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

# Those whose repetition could record a citizen twice (RFC 9110, section 9.2), and that are kept.
STATE_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Those that may be asked again at will.
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Mode(StrEnum):
    """What the gateway does with a request."""

    JOURNAL = "journal"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    Attributes:
        path: glob over the path without its query; ``*`` matches slashes too.
        methods: upper-case methods; empty: all.
        mode: kept, or only passed on.
        hold_seconds: instead of the usual hold; None: the usual one.
        priority: for requests that name none; None: the usual one.
    """

    path: str
    methods: frozenset[str] = frozenset()
    mode: Mode = Mode.JOURNAL
    hold_seconds: float | None = None
    priority: int | None = None


KEPT: Final = Route("*")
PASSED: Final = Route("*", mode=Mode.RELAY)


def route_for(routes: Sequence[Route], *, method: str, path: str) -> Route:
    """The first route that matches, else the usual way of the method.

    A request that changes nothing is never kept, whatever the table says.
    """
    for route in routes:
        if (not route.methods or method in route.methods) and matches(route.path, path):
            return route
    return KEPT if method in STATE_CHANGING else PASSED


def is_kept(route: Route, method: str) -> bool:
    """Whether a request on this route becomes an enrollment."""
    return route.mode is Mode.JOURNAL and method in STATE_CHANGING


def matches(glob: str, path: str) -> bool:
    """Whether ``path`` matches ``glob``: ``*``, ``?``, ``[…]``, case matters."""
    return _compiled(glob).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(glob))
