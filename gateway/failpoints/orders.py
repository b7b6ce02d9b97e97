"""What is asked of which edge: ``after-commit=kill@17, before-send=delay:0.5, after-decide=raise``.

``kill`` is SIGKILL to this process itself, ``delay:SECONDS`` waits, ``raise`` raises
``FailpointRaised``. ``@N``: only the N-th time that the edge is passed; else every time.
"""

import math
from dataclasses import dataclass
from typing import Literal

from gateway.failpoints.points import NAMES


class FailpointFault(ValueError):
    """An order that cannot be understood; the text says which, and what is known."""


class FailpointRaised(Exception):
    """What ``raise`` raises: an error that no code expects."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        point: the edge.
        action: what happens there.
        seconds: how long ``delay`` waits.
        at: only this time, counted from 1; None: every time.
    """

    point: str
    action: Literal["kill", "delay", "raise"]
    seconds: float = 0.0
    at: int | None = None


def parse(text: str) -> tuple[Order, ...]:
    """Read the variable.

    Raises:
        FailpointFault: an edge or an action that there is not.
    """
    orders = tuple(_order(part.strip()) for part in text.split(","))
    points = [order.point for order in orders]
    if len(set(points)) < len(points):
        raise FailpointFault("each edge takes one order")
    return orders


def _order(text: str) -> Order:
    point, _, what = text.partition("=")
    if point not in NAMES:
        raise FailpointFault(f"there is no failpoint {point!r}; there are {', '.join(NAMES)}")
    what, has_count, count = what.partition("@")
    if has_count and not (count.isdecimal() and int(count) > 0):
        raise FailpointFault(f"{text!r}: after @ stands a number from 1 on")
    at = int(count) if has_count else None
    action, _, seconds = what.partition(":")
    match action:
        case "kill" | "raise" if not seconds:
            return Order(point, action, at=at)
        case "delay":
            return Order(point, action, _seconds(text, seconds), at)
    raise FailpointFault(f"{text!r}: an action is kill, raise or delay:SECONDS")


def _seconds(order: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise FailpointFault(f"{order!r}: after delay: stand seconds")
    return seconds
