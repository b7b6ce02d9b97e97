"""`serve`: run the gateway until it is told to stop."""

from typing import Annotated

import typer

from gateway.cli.exits import JOURNAL_IN_USE, Failure
from gateway.cli.given import bad_configuration, configuration
from gateway.cli.options import ConfigFile


def serve(
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

    from gateway import wiring
    from gateway.config import ConfigFault
    from gateway.journal.contract import JournalInUse

    try:
        code = wiring.serve(settings)
    except ConfigFault as fault:
        raise bad_configuration(fault) from None
    except JournalInUse:
        raise Failure(
            f"Another gateway is using the journal {settings.journal.url}.\n"
            "Stop it first, or give this one a journal of its own: --journal sqlite:///FILE.",
            JOURNAL_IN_USE,
        ) from None
    raise typer.Exit(code)
