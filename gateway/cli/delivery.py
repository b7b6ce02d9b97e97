"""`pause` and `resume`: stop and start delivery; intake goes on."""

from typing import Annotated

import typer

from gateway.cli.client import connect
from gateway.cli.options import AdminUrl, ConfigFile, TokenFile
from gateway.cli.screen import say


def pause(
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, for those who come after you.")
    ] = ("by an operator"),
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
) -> None:
    """Stop delivery. Enrollments are still accepted; a restart does not resume."""
    connect(admin, token_file, config).post("pause", {"reason": reason})
    say("paused; `enrollment-gateway resume` starts delivery again")


def resume(admin: AdminUrl = None, token_file: TokenFile = None, config: ConfigFile = None) -> None:
    """Start delivery again after a pause."""
    state = connect(admin, token_file, config).post("resume")["upstream"]["state"]
    say(f"resumed; the server is {state}")
