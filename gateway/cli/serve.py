"""`serve`: run the gateway until it is told to stop."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.given import configuration
from gateway.cli.options import ConfigFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.config import Settings


def serve(
    context: typer.Context,
    config: ConfigFile = None,
    upstream: Annotated[
        str | None, typer.Option(metavar="URL", help="The recording server to deliver to.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where stations connect.")
    ] = None,
    admin_listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where operators connect.")
    ] = None,
    journal: Annotated[
        str | None, typer.Option(metavar="URL", help="Where enrollments are kept.")
    ] = None,
) -> None:
    """Run the gateway. SIGTERM stops it: what is in hand is finished or kept.

    Flags beat the environment (ENROLLMENT_GATEWAY__UPSTREAM__URL), the environment beats the file.
    """
    flags = {
        "upstream.url": upstream,
        "intake.listen": listen,
        "admin.listen": admin_listen,
        "journal.url": journal,
    }
    settings = configuration(config, flags, serving=True).settings

    from gateway.cli.serving import serve as serve_here
    from gateway.config.plain import plain

    carry_on: Callable[[Settings], int] = context.obj or serve_here
    raise typer.Exit(carry_on(plain(settings)))
