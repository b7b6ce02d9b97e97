"""`audit list|verify`: what operators did, and whether that record was tampered with."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import AdminClient, connect
from gateway.cli.exits import FAILED, Failure
from gateway.cli.options import AdminUrl, AsJson, ConfigFile, TokenFile, examples
from gateway.cli.screen import moment, say, say_json, show, table

if TYPE_CHECKING:
    from gateway.journal.contract import AuditRecord

app = typer.Typer(no_args_is_help=True, help="See what operators did, and check that record.")

PAGE = 1000


@app.command(
    "list",
    epilog=examples(
        "enrollment-gateway audit list", "enrollment-gateway audit list --all --json > audit.json"
    ),
)
def list_(
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what operators did, newest first."""
    pages = _pages(connect(admin, token_file, config))
    items = [item for page in pages for item in page] if everything else next(pages)[:limit]
    if as_json:
        say_json({"items": items})
        return
    rows = (
        (each["seq"], moment(each["at"]), *(each[name] for name in _TEXTS), each["link"][:12])
        for each in items
    )
    show(table(("no", "at", *_TEXTS, "link"), rows))


@app.command(
    epilog=examples(
        "enrollment-gateway audit verify",
        "enrollment-gateway audit verify --head LINK   # a link that the log or a note kept",
        "enrollment-gateway audit verify audit.json    # what `audit list --all --json` printed",
    )
)
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Default: ask the gateway.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(metavar="LINK", help="Was the last link once: it must still be there."),
    ] = None,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
) -> None:
    """Check that each record follows from the one before it; else exit 1."""
    from gateway.journal.chain import check

    items = _read(file) if file else _asked(connect(admin, token_file, config))
    found = check(items, noted=head)
    say(f"{found.records} records, the last link is {found.head or 'none'}")
    if found.unlinked:
        say(f"the first {found.unlinked} are older than the chain and prove nothing")
    if found.broken_at is not None:
        typer.echo(
            f"The chain breaks at record {found.broken_at}: it, or one before it, was changed, "
            "taken out or put in. Compare it with the links in the log.",
            err=True,
        )
    if found.head_missing:
        typer.echo(
            "The link of --head is not in it: the end was cut off, or all of it was written anew.",
            err=True,
        )
    if not found.holds:
        raise typer.Exit(FAILED)
    say("the chain holds")


_TEXTS = ("actor", "action", "subject", "detail")


def _pages(client: AdminClient) -> Iterator[list[dict[str, Any]]]:
    before: int | None = None
    while True:
        document = client.get("audit", {"limit": PAGE, "before": before})
        yield document["items"]
        before = document["next_before"]
        if before is None:
            return


def _asked(client: AdminClient) -> "list[AuditRecord]":
    items = [item for page in _pages(client) for item in page]
    return _records(items)


def _read(file: Path) -> "list[AuditRecord]":
    try:
        return _records(json.loads(file.read_text("utf-8"))["items"])
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(
            f"{file} holds no audit. Write one with `enrollment-gateway audit list --all --json`."
        ) from None


def _records(items: list[dict[str, Any]]) -> "list[AuditRecord]":
    """Oldest first, as the chain goes."""
    from gateway.journal.contract import AuditRecord

    return [
        AuditRecord(
            int(item["seq"]),
            datetime.fromisoformat(item["at"]).timestamp(),
            *(str(item[name]) for name in (*_TEXTS, "link")),
        )
        for item in reversed(items)
    ]
