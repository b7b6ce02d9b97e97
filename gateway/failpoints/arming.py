"""Put edges around the functions that were asked for, once, before anything runs."""

import asyncio
import functools
import importlib
import inspect
import os
import signal
import time
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any, ParamSpec, TypeVar

import structlog

from gateway.failpoints.orders import FailpointRaised, Order, parse
from gateway.failpoints.points import STEPS, Place

P = ParamSpec("P")
T = TypeVar("T")


def arm(text: str) -> None:
    """Do what the variable asks, and say so loudly.

    Raises:
        FailpointFault: it asks for something that there is not.
    """
    orders = parse(text)
    log = structlog.get_logger("gateway")
    log.warning("failpoints_armed", count=len(orders), reason=f"it fails on purpose: {text}")

    def step(order: Order) -> str:
        return order.point.partition("-")[2]

    for name, edges in groupby(sorted(orders, key=step), key=step):
        triggers = {order.point.partition("-")[0]: _Trigger(order, log) for order in edges}
        _surround(STEPS[name], triggers.get("before"), triggers.get("after"))


class _Trigger:
    """Counts how often an edge is passed, and says when its order is due."""

    def __init__(self, order: Order, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._order = order
        self._log = log
        self._passed = 0

    def due(self) -> float:
        """Pass the edge: seconds to wait there.

        Raises:
            FailpointRaised: that is the order.
        """
        self._passed += 1
        if self._order.at not in {None, self._passed}:
            return 0.0
        self._log.warning("failpoint", reason=f"{self._order.point}: {self._order.action}")
        if self._order.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._order.action == "raise":
            raise FailpointRaised(self._order.point)
        return self._order.seconds


def _surround(place: Place, before: _Trigger | None, after: _Trigger | None) -> None:
    *owners, name = place.name.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(place.module))
    function = getattr(owner, name)
    around = _around_coroutine if inspect.iscoroutinefunction(function) else _around
    setattr(owner, name, around(function, before, after))


def _around(
    function: Callable[P, T], before: _Trigger | None, after: _Trigger | None
) -> Callable[P, T]:
    @functools.wraps(function)
    def surrounded(*args: P.args, **kwargs: P.kwargs) -> T:
        if before is not None and (seconds := before.due()):
            time.sleep(seconds)
        result = function(*args, **kwargs)
        if after is not None and (seconds := after.due()):
            time.sleep(seconds)
        return result

    return surrounded


def _around_coroutine(
    function: Callable[P, Awaitable[T]], before: _Trigger | None, after: _Trigger | None
) -> Callable[P, Awaitable[T]]:
    @functools.wraps(function)
    async def surrounded(*args: P.args, **kwargs: P.kwargs) -> T:
        if before is not None and (seconds := before.due()):
            await asyncio.sleep(seconds)
        result = await function(*args, **kwargs)
        if after is not None and (seconds := after.due()):
            await asyncio.sleep(seconds)
        return result

    return surrounded
