"""`python -m loadtests.server`: the `server` command by itself."""

import typer

from loadtests.server.cli import server

typer.run(server)
