"""Who goes next: plan(free slots, live, backlog) -> what to send now.

Live enrollments, whose stations still wait, may use up to half of the window, the newest first:
under overload the newest is the one whose station has most patience left (adaptive LIFO,
B. Maurer, "Fail at Scale", ACM Queue 2015). The backlog gets the rest in its own order, so that
those who recorded first are served first. Work-conserving: what one side leaves, the other takes.
"""

from collections.abc import Iterable
from itertools import islice

from gateway.core.record import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Ids to send now. An id stands in one of the two, never in both."""

    live: tuple[str, ...]
    backlog: tuple[str, ...]


def live_share(window: int) -> int:
    """Slots that live enrollments may hold while a backlog waits."""
    return window // 2


def may_go_at_once(*, free: int, window: int, live_outstanding: int, contended: bool) -> bool:
    """Whether a newcomer may take a slot before anything that waits.

    It is the newest live one, so only the live share is in question; uncontended, with nothing
    due, all of the window is.
    """
    if free <= 0:
        return False
    return not contended or live_outstanding < live_share(window)


def plan(
    *,
    free: int,
    window: int,
    live_outstanding: int,
    newest_live: Iterable[str],
    backlog: Iterable[str],
) -> Plan:
    """Fill ``free`` slots.

    Args:
        free: slots that may be used right now.
        window: all slots.
        live_outstanding: slots that live enrollments hold.
        newest_live: waiting live ids, the newest first.
        backlog: due ids in the order of delivery; live ones may be among them. Only those at its
            head are looked at, however many there are.
    """
    first = min(free, max(live_share(window) - live_outstanding, 0))
    candidates = list(islice(newest_live, free))
    live = candidates[:first]
    chosen = set(live)
    queue = list(islice((one for one in backlog if one not in chosen), free - len(live)))
    chosen.update(queue)
    room = free - len(live) - len(queue)
    live += [one for one in candidates[first:] if one not in chosen][:room]
    return Plan(tuple(live), tuple(queue))
