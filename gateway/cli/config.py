"""`config check|show|schema`: look at the configuration without starting anything."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.given import configuration
from gateway.cli.options import AsJson, ConfigFile, examples
from gateway.cli.screen import say, say_json, show, table

app = typer.Typer(no_args_is_help=True, help="Check, show and describe the configuration.")


class Form(StrEnum):
    """How the settings are described."""

    JSON = "json"
    PAGE = "page"
    EXAMPLE = "example"


@app.command(epilog=examples("enrollment-gateway config check gateway.toml"))
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML file with settings.")],
) -> None:
    """Validate FILE, with the environment as it is. Exit 78 with every error, by key and line."""
    from gateway.config.rules import advice, lacking

    settings = configuration(file).settings
    for key, message in lacking(settings):
        say(f"before serving: {key} {message}")
    for key, message in advice(settings):
        say(f"warning: {key} {message}")
    say(f"{file} is good.")


@app.command("show", epilog=examples("enrollment-gateway config show --config gateway.toml"))
def show_settings(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """The settings in force, secrets masked, each with where it came from."""
    from gateway.config import paths
    from gateway.config.keys import flat, shown

    loaded = configuration(config)
    files = paths(loaded.settings)
    values = flat(loaded.settings) | {
        "journal.key_file": files.journal_keys,
        "receipts.key_file": files.receipt_keys,
        "admin.token_file": files.admin_token,
    }
    rows = [(key, shown(value), loaded.origins[key]) for key, value in values.items()]
    if as_json:
        say_json(
            {
                key: {"value": value, "source": origin.source, "where": origin.where or None}
                for key, value, origin in rows
            }
        )
        return
    listed = [
        (key, value if isinstance(value, str | None) else json.dumps(value), origin)
        for key, value, origin in rows
    ]
    show(table(("key", "value", "from"), listed))


@app.command(
    epilog=examples(
        "enrollment-gateway config schema > schema.json",
        "enrollment-gateway config schema --as example > gateway.toml",
    )
)
def schema(
    form: Annotated[
        Form,
        typer.Option("--as", help="JSON Schema, a page of reference, or an example file."),
    ] = Form.JSON,
) -> None:
    """Describe every setting: unit, range, default and reason."""
    from gateway.config import pages

    match form:
        case Form.JSON:
            say_json(pages.schema())
        case Form.PAGE:
            typer.echo(pages.page(), nl=False)
        case Form.EXAMPLE:
            typer.echo(pages.example(), nl=False)
