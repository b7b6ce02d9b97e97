"""What the gateway is told to do: settings, validated once, each knowing where it came from.

Must not know what the settings are used for.
"""

from gateway.config.address import Address
from gateway.config.faults import ConfigFault, Problem
from gateway.config.loading import Loaded, load
from gateway.config.paths import Paths, paths
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
