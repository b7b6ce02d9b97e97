"""`status`: how it stands with the server and with what waits for it."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import AdminClient, connect
from gateway.cli.exits import Failure
from gateway.cli.options import AdminUrl, AsJson, ConfigFile, TokenFile
from gateway.cli.screen import console, moment, say_json, show, span, table, volume
from gateway.core.masking import clean

if TYPE_CHECKING:
    from rich.console import RenderableType

CHANGES_SHOWN = 6
COLOURS = {"open": "red", "paused": "yellow", "slow_start": "cyan", "steady": "green"}


def status(
    admin: AdminUrl = None,
    token_file: TokenFile = None,
    config: ConfigFile = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew until Ctrl-C.")] = False,
    interval: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.2, help="Time between two looks.")
    ] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Server state, window, counts by status, oldest age, drain rate, and when it will be empty."""
    client = connect(admin, token_file, config)
    if not watch:
        document = client.get("status")
        say_json(document) if as_json else show(picture(document))
        return
    try:
        follow(client, interval, as_json=as_json)
    except KeyboardInterrupt:
        return


def follow(client: AdminClient, interval: float, *, as_json: bool) -> None:
    """Look again and again until interrupted; a gateway that restarts is waited for."""
    from rich.live import Live
    from rich.text import Text

    if as_json:
        while True:
            say_json(client.get("status"))
            time.sleep(interval)
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            try:
                live.update(picture(client.get("status")), refresh=True)
            except Failure as failure:
                live.update(Text(clean(str(failure)), style="red"), refresh=True)
            time.sleep(interval)


def picture(document: dict[str, Any]) -> "RenderableType":
    """The status document for people."""
    from rich.console import Group
    from rich.text import Text

    upstream, paused = document["upstream"], document["paused"]
    head = Text.assemble(
        ("server ", "bold"),
        (upstream["state"], COLOURS.get(upstream["state"], "white")),
        f" since {moment(upstream['since'])}",
        clean(f", {upstream['reason']}") if upstream["reason"] else "",
        "" if document["ready"] else ("  gateway not ready", "bold red"),
    )
    if paused:
        head.append(
            clean(f"\npaused since {moment(paused['since'])}: {paused['reason']}"), "yellow"
        )
    counts = table(tuple(document["enrollments"]), [tuple(document["enrollments"].values())])
    return Group(head, counts, table(("", ""), _figures(document)), *_changes(document))


def _changes(document: dict[str, Any]) -> "list[RenderableType]":
    """The latest changes of state and window, with their reasons; none where none is known."""
    changes = document["upstream"].get("changes", [])[:CHANGES_SHOWN]
    if not changes:
        return []
    rows = [
        (moment(each["at"]), each["what"], f"{each['from']} → {each['to']}", each["reason"])
        for each in changes
    ]
    return [table(("latest changes", "", "", "why"), rows)]


def _figures(document: dict[str, Any]) -> list[tuple[str, str]]:
    upstream, journal = document["upstream"], document["journal"]
    wait = upstream["next_attempt_in_seconds"]
    ghosts = f" ({upstream['ghosts']} of them without an answer)" if upstream["ghosts"] else ""
    used, limit, free = (volume(journal[f"{each}bytes"]) for each in ("", "limit_", "free_"))
    room = f"{used} of {limit}, {free} free"
    return [
        ("window", f"{upstream['outstanding']} of {upstream['window']} outstanding{ghosts}"),
        *([("next try in", span(wait))] if wait is not None else []),
        ("oldest undelivered", span(document["oldest_undelivered_age_seconds"])),
        ("drain rate", f"{document['drain_rate_per_second']:.1f} /s"),
        ("empty in", _empty(document)),
        ("journal", f"{room}, {journal['durability']}"),
    ]


def _empty(document: dict[str, Any]) -> str:
    seconds = document["drain_seconds_estimate"]
    if seconds is None:
        return "not known: nothing is being delivered"
    at = document["estimated_empty_at"]
    return f"{span(seconds)}, at {moment(at)}" if seconds and at else span(seconds)
