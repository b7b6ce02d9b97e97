"""`queue list|show|requeue|cancel|undelivered`: look at enrollments and act on them.

A body never comes this way: the admin API does not give it out.
"""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli.client import AdminClient, connect
from gateway.cli.exits import FAILED, Failure
from gateway.cli.options import AdminUrl, AsJson, ConfigFile, TokenFile, examples
from gateway.cli.screen import moment, say, say_json, show, table, volume
from gateway.core.lifecycle import UNDELIVERED, Status

app = typer.Typer(no_args_is_help=True, help="Look at enrollments and act on them.")

PAGE = 500

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Receipt ids.")]
OlderThan = Annotated[
    str | None, typer.Option(metavar="D", help="Accepted longer ago: 90s, 15m, 2h, 7d.")
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, oldest first.")]


@app.command(
    "list",
    epilog=examples(
        "enrollment-gateway queue list --status dead_letter",
        "enrollment-gateway queue list --status pending --older-than 2h --limit 200 --json",
    ),
)
def list_(
    status: Annotated[
        list[Status] | None, typer.Option(help="Only these; may be given several times.")
    ] = None,
    older_than: OlderThan = None,
    limit: Limit = 50,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List enrollments, oldest first."""
    client = connect(admin, token_file, config)
    _print(_page_through(client, status or [], older_than, limit), as_json=as_json)


@app.command(epilog=examples("enrollment-gateway queue undelivered --older-than 1h"))
def undelivered(
    older_than: OlderThan = None,
    limit: Limit = 50,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List what the server does not have yet, dead letters among it."""
    client = connect(admin, token_file, config)
    wanted = sorted(UNDELIVERED | {Status.DEAD_LETTER})
    _print(_page_through(client, wanted, older_than, limit), as_json=as_json)


@app.command("show")
def show_one(
    enrollment: Annotated[str, typer.Argument(metavar="ID", help="Receipt id.")],
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one enrollment: where it stands and why. Never its body."""
    item = connect(admin, token_file, config).get(_path(enrollment))
    if as_json:
        say_json(item)
    else:
        show(table(("", ""), item.items()))


@app.command(
    epilog=examples(
        "enrollment-gateway queue requeue 0197f0a2-7c3e-7b1d-8f00-5d2c1e9ab001",
        "enrollment-gateway queue requeue --status dead_letter --older-than 2h",
    )
)
def requeue(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Receipt ids.")] = None,
    status: Annotated[
        Status | None, typer.Option(help="All of this status instead: dead_letter.")
    ] = None,
    older_than: OlderThan = None,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
) -> None:
    """Make dead letters pending again, by id or all of them."""
    if bool(ids) == bool(status):
        raise typer.BadParameter("give ids or --status dead_letter, one of both")
    if ids and older_than:
        raise typer.BadParameter("goes with --status only", param_hint="--older-than")
    client = connect(admin, token_file, config)
    if ids:
        _each(client, ids, "requeue")
        return
    answer = client.post("requeue", {"status": status, "older_than": older_than})
    say(f"{answer['requeued']} requeued")


@app.command(
    epilog=examples("enrollment-gateway queue cancel 0197f0a2-7c3e-7b1d-8f00-5d2c1e9ab001")
)
def cancel(
    ids: Ids,
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
) -> None:
    """Cancel pending enrollments or dead letters. Final: they will never be delivered."""
    _each(connect(admin, token_file, config), ids, "cancel")


def _page_through(
    client: AdminClient, statuses: list[Status], older_than: str | None, limit: int
) -> dict[str, Any]:
    """As many pages of the API as ``limit`` needs, as one."""
    items: list[dict[str, Any]] = []
    cursor = None
    while len(items) < limit:
        page = client.get(
            "enrollments",
            {
                "status": [str(each) for each in statuses] or None,
                "older_than": older_than,
                "limit": min(limit - len(items), PAGE),
                "cursor": cursor,
            },
        )
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return {"items": items, "next_cursor": cursor}


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    if not found["items"]:
        say("none")
        return
    columns = ("id", "status", "station", "attempts", "size", "accepted", "next attempt", "reason")
    show(table(columns, map(_row, found["items"])))
    if found["next_cursor"]:
        say(f"There are more than these {len(found['items'])}: --limit N shows more.")


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        item["id"],
        item["status"],
        item["station"],
        item["attempts"],
        volume(item["size_bytes"]),
        moment(item["accepted_at"]),
        moment(item["next_attempt_at"]),
        item["reason"],
    )


def _each(client: AdminClient, ids: list[str], order: str) -> None:
    """The same order for several; one that is refused does not stop the others."""
    refused = 0
    for enrollment in ids:
        try:
            item = client.post(f"{_path(enrollment)}/{order}")
            say(f"{item['id']} {item['status']}")
        except Failure as failure:
            refused += 1
            say(f"{enrollment} {failure}")
    if refused:
        raise typer.Exit(FAILED)


def _path(enrollment: str) -> str:
    return f"enrollments/{quote(enrollment, safe='')}"
