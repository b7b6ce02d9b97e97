"""Requests without a target, which aiohttp's parser lets pass and its handler dies of.

``CONNECT``, a space and the end of the head is enough: such a connection was never answered and
never closed. Must not know what becomes of a request.
"""

from collections.abc import Callable
from typing import Any, Final

from aiohttp.http_parser import RawRequestMessage
from yarl import URL

NO_TARGET: Final = URL("/")


def targeted(message: RawRequestMessage) -> RawRequestMessage:
    """The message; one without a target has an empty one, which nobody serves."""
    return message if message.path else message._replace(path="", url=NO_TARGET)


def of_targeted(make: Callable[..., Any]) -> Callable[..., Any]:
    """A request factory that is never given a message without a target."""

    def make_request(message: RawRequestMessage, *rest: Any) -> Any:  # noqa: ANN401 - as aiohttp's
        return make(targeted(message), *rest)

    return make_request
