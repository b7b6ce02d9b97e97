"""Whether a first byte may go out now. Where gateways share a journal, only in one's own turn."""

from collections.abc import Callable
from typing import TypeAlias

MaySend: TypeAlias = Callable[[], bool]


def always() -> bool:
    """A gateway with a journal of its own may always send."""
    return True
