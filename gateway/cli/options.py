"""Options that several commands share, each described once."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="ENROLLMENT_GATEWAY_CONFIG",
        help="TOML file with settings.",
    ),
]
AdminUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--admin", metavar="URL", help="Admin listener. Default: that of the configuration."
    ),
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Holds the admin token. Default: ENROLLMENT_GATEWAY_ADMIN_TOKEN, else the file that "
        "the gateway made beside its journal.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def examples(*lines: str) -> str:
    """The end of a command's help: what one would type."""
    return "\n\n".join(("Examples:", *lines))
