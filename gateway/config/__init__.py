"""What the gateway is told to do: settings, validated once, each knowing where it came from.

Must not know what the settings are used for. What checks them is loaded when it is asked for: a
gateway that serves takes its settings checked, and keeps none of that in memory.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.config.address import Address
from gateway.config.faults import ConfigFault, Problem
from gateway.config.paths import Paths, paths

if TYPE_CHECKING:
    from gateway.config.loading import Loaded, load
    from gateway.config.settings import RouteSettings, Settings
    from gateway.config.sources import Origin, Source

__all__ = [
    "Address",
    "ConfigFault",
    "Loaded",
    "Origin",
    "Paths",
    "Problem",
    "RouteSettings",
    "Settings",
    "Source",
    "load",
    "paths",
]

_CHECKING = {
    "Loaded": "loading",
    "Origin": "sources",
    "RouteSettings": "settings",
    "Settings": "settings",
    "Source": "sources",
    "load": "loading",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as PEP 562 has it
    """Load what checks settings, at its first use."""
    if name not in _CHECKING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_CHECKING[name]}"), name)
