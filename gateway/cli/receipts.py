"""`receipts verify`: is a receipt genuine, and what does it say?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.exits import Failure
from gateway.cli.given import configuration
from gateway.cli.http import Unreachable, is_url, request
from gateway.cli.options import AsJson, ConfigFile, examples
from gateway.cli.screen import say, say_json
from gateway.core.masking import clean
from gateway.core.moments import iso

app = typer.Typer(no_args_is_help=True, help="Check receipts.", callback=lambda: None)

JWKS_PATH = "/_gateway/jwks.json"


@app.command(
    epilog=examples(
        "enrollment-gateway receipts verify eyJhbGciOiJFZERTQSIs...",
        "enrollment-gateway receipts verify TOKEN --jwks https://gateway.example/_gateway/jwks.json",
    )
)
def verify(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="The `receipt` of a receipt document.")
    ],
    jwks: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL", help="The public keys. Default: the gateway of the configuration."
        ),
    ] = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a receipt promises, if it is genuine; else exit 1."""
    from gateway.intake.signing import ReceiptInvalid
    from gateway.intake.signing import verify as check

    try:
        claims = check(token, _keys(jwks, config))
    except ReceiptInvalid as invalid:
        raise Failure(f"Not genuine: {invalid}.") from None
    if as_json:
        say_json(claims)
        return
    say("genuine")
    for name, claim in _told(claims):
        typer.echo(f"  {name:<15} {clean(str(claim))}")


def _told(claims: dict[str, Any]) -> list[tuple[str, object]]:
    accepted = claims.get("iat")
    return [
        ("receipt id", claims.get("jti")),
        ("accepted at", iso(accepted) if isinstance(accepted, int | float) else None),
        ("by", claims.get("iss")),
        ("station", claims.get("sub")),
        ("body's SHA-256", claims.get("content_sha256")),
        ("durability", claims.get("durability")),
    ]


def _keys(place: str | None, config: Path | None) -> dict[str, Any]:
    """The JWK set in a file or at a URL."""
    if place is None:
        intake = configuration(config).settings.intake
        place = f"http{'s' * (intake.tls_certificate is not None)}://{intake.listen.reachable}"
        place += JWKS_PATH
    try:
        found = json.loads(_fetched(place) if is_url(place) else Path(place).read_bytes())
    except (OSError, ValueError, Unreachable) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failure(
            f"No keys at {place}: {reason}.\nAnother place: --jwks FILE or --jwks URL."
        ) from None
    if not isinstance(found, dict):
        raise Failure(f"{place} holds no JWK set.")
    return found


def _fetched(url: str) -> bytes:
    answer = request("GET", url, headers={"Accept": "application/json"})
    if answer.status != 200:
        raise Unreachable(f"it answered {answer.status}")
    return answer.body
