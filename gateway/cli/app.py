"""All commands under one name. Must not do any of their work, nor load what they need."""

from typing import Annotated

import typer

from gateway.cli import (
    audit,
    config,
    delivery,
    health,
    journal,
    keys,
    queue,
    receipts,
    serve,
    stations,
    status,
)
from gateway.cli.exits import Verbs
from gateway.cli.options import examples

NAME = "enrollment-gateway"

app = typer.Typer(
    name=NAME,
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        f"{NAME} serve --upstream https://recording.example",
        f"{NAME} status --watch",
        f"{NAME} config check gateway.toml",
        "Exit codes: 0 done, 1 failed, 2 usage, 75 the journal is in use, 78 bad configuration.",
    ),
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the value
    if wanted:
        from importlib.metadata import version

        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def main(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keep every enrollment while the recording server is down; deliver it once when it is back."""


RUN, WATCH, SET_UP = "Run", "Watch and act", "Set up"

app.command(
    rich_help_panel=RUN,
    epilog=examples(
        f"{NAME} serve --upstream https://recording.example",
        f"{NAME} serve --config gateway.toml --journal sqlite:////var/lib/gateway/journal.db",
    ),
)(serve.serve)
app.command(rich_help_panel=RUN)(health.healthcheck)
app.command(
    rich_help_panel=WATCH,
    epilog=examples(f"{NAME} status --watch", f"{NAME} status --json"),
)(status.status)
app.add_typer(queue.app, name="queue", rich_help_panel=WATCH)
app.command(
    rich_help_panel=WATCH, epilog=examples(f'{NAME} pause --reason "the server is being moved"')
)(delivery.pause)
app.command(rich_help_panel=WATCH)(delivery.resume)
app.add_typer(journal.app, name="journal", rich_help_panel=WATCH)
app.add_typer(receipts.app, name="receipts", rich_help_panel=WATCH)
app.add_typer(audit.app, name="audit", rich_help_panel=WATCH)
app.add_typer(config.app, name="config", rich_help_panel=SET_UP)
app.add_typer(stations.app, name="stations", rich_help_panel=SET_UP)
app.add_typer(keys.app, name="keys", rich_help_panel=SET_UP)
