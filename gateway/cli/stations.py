"""`stations add|list|revoke`: tokens for stations."""

import time
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway.cli.exits import Failure
from gateway.cli.given import configuration
from gateway.cli.options import AsJson, ConfigFile, examples
from gateway.cli.screen import moment, say, say_json, show, table
from gateway.cli.who import who

app = typer.Typer(no_args_is_help=True, help="Give stations tokens, and take them back.")

TokensFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Default: stations.tokens_file of the configuration."),
]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="As in receipts and logs.")]


@app.command(
    epilog=examples(
        "enrollment-gateway stations add balaraja-1 --tokens-file stations.json",
        "enrollment-gateway stations add balaraja-1 --allow '/enrollments/*' --config gateway.toml",
    )
)
def add(
    name: Name,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only these paths; may be given several times."),
    ] = None,
    max_inflight: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Requests in hand at once. Default: stations.max_inflight_requests.",
        ),
    ] = None,
    per_second: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            min=0.001,
            help="Requests per second. Default: stations.max_requests_per_second.",
        ),
    ] = None,
    tokens_file: TokensFile = None,
    config: ConfigFile = None,
) -> None:
    """Add a station. Its token is printed once and kept nowhere; the file holds its hash."""
    from gateway.intake import station_file
    from gateway.intake.stations import StationsFault

    file = _file(tokens_file, config)
    try:
        token = station_file.add(
            file,
            name,
            allow=tuple(allow or ()),
            max_inflight=max_inflight,
            per_second=per_second,
            by=who(),
            now=time.time(),
        )
    except StationsFault as fault:
        raise Failure(f"Nothing was changed: {fault}.") from None
    typer.echo(token)
    typer.echo(
        f"This is the token of {name}: it is not shown again. The station sends\n"
        "  Authorization: Bearer <token>\n"
        f"A running gateway with stations.tokens_file = {str(file)!r} takes it within a second.",
        err=True,
    )


@app.command("list")
def list_(
    tokens_file: TokensFile = None, config: ConfigFile = None, *, as_json: AsJson = False
) -> None:
    """List stations, never their tokens."""
    from gateway.intake import station_file
    from gateway.intake.stations import StationsFault

    try:
        found = station_file.entries(_file(tokens_file, config))
    except StationsFault as fault:
        raise Failure(str(fault)) from None
    if as_json:
        say_json(
            [
                {
                    "name": each.name,
                    "created_at": each.created_at,
                    "revoked_at": each.revoked_at,
                    "allow": each.allow,
                    "max_inflight": each.max_inflight,
                    "per_second": each.per_second,
                }
                for each in found
            ]
        )
        return
    if not found:
        say("none; `enrollment-gateway stations add NAME` adds one")
        return
    rows = (
        (each.name, moment(each.created_at), moment(each.revoked_at), " ".join(each.allow) or "all")
        for each in found
    )
    show(table(("station", "added", "revoked", "paths"), rows))


@app.command(epilog=examples("enrollment-gateway stations revoke balaraja-1 --config gateway.toml"))
def revoke(name: Name, tokens_file: TokensFile = None, config: ConfigFile = None) -> None:
    """Make a station's token worthless, within a second. Its enrollments stay."""
    from gateway.intake import station_file
    from gateway.intake.stations import StationsFault

    try:
        station_file.revoke(_file(tokens_file, config), name, by=who(), now=time.time())
    except StationsFault as fault:
        raise Failure(f"Nothing was changed: {fault}.") from None
    say(f"{name} is revoked")


def _file(tokens_file: Path | None, config: Path | None) -> Path:
    file = tokens_file or configuration(config).settings.stations.tokens_file
    if file is None:
        raise typer.BadParameter(
            "say which file: --tokens-file FILE, or stations.tokens_file in --config FILE",
            param_hint="--tokens-file",
        )
    return file
