"""The configuration that a command was given, or its faults, told."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import BAD_CONFIGURATION, Failure

if TYPE_CHECKING:
    from gateway.config import ConfigFault, Loaded


def configuration(
    file: Path | None, flags: Mapping[str, object] | None = None, *, serving: bool = False
) -> "Loaded":
    """Settings from file, environment and flags; exit 78 with every problem."""
    from gateway.config import ConfigFault, load

    try:
        return load(file, flags or {}, serving=serving)
    except ConfigFault as fault:
        raise bad_configuration(fault) from None


def bad_configuration(fault: "ConfigFault") -> Failure:
    """How a fault of configuration is told."""
    count = len(fault.problems)
    title = f"The configuration has {count} error{'s' * (count > 1)}:"
    return Failure("\n".join((title, *(f"  {each}" for each in fault.problems))), BAD_CONFIGURATION)
