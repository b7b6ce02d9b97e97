"""Exit codes, and the one way in which a command gives up."""

from typing import Any, Final

import typer
from typer.core import TyperGroup

from gateway.cli.serving import give_up

FAILED: Final = 1


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
            raise typer.Exit(give_up(str(failure), failure.code)) from None
