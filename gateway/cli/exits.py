"""Exit codes, and the one way in which a command gives up."""

from typing import Any, Final

import typer
from typer.core import TyperGroup

from gateway.cli.screen import clean

FAILED: Final = 1
JOURNAL_IN_USE: Final = 75  # EX_TEMPFAIL of sysexits.h: it may work later
BAD_CONFIGURATION: Final = 78  # EX_CONFIG


class Failure(Exception):
    """The command cannot do what was asked; its text tells the reader what to do next."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


class Verbs(TyperGroup):
    """Commands whose ``Failure`` becomes a text on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer does not export these types
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            typer.echo("\n".join(map(clean, str(failure).split("\n"))), err=True)
            raise typer.Exit(failure.code) from None
