"""The configuration that a command was given, or its faults, told."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import Failure
from gateway.cli.serving import BAD_CONFIGURATION, bad_configuration

if TYPE_CHECKING:
    from gateway.config import Loaded


def configuration(
    file: Path | None, flags: Mapping[str, object] | None = None, *, serving: bool = False
) -> "Loaded":
    """Settings from file, environment and flags; exit 78 with every problem."""
    from gateway.config import ConfigFault, load

    try:
        return load(file, flags or {}, serving=serving)
    except ConfigFault as fault:
        raise Failure(bad_configuration(fault), BAD_CONFIGURATION) from None
