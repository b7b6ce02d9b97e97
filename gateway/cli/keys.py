"""`keys generate|rotate`: the keys that seal the journal and those that sign receipts."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Failure
from gateway.cli.given import configuration
from gateway.cli.options import ConfigFile, examples
from gateway.cli.screen import say

if TYPE_CHECKING:
    from gateway.config import Paths

app = typer.Typer(no_args_is_help=True, help="Make and rotate keys.")


class Kind(StrEnum):
    """What keys are for."""

    JOURNAL = "journal"
    RECEIPTS = "receipts"


Which = Annotated[
    Kind | None, typer.Argument(metavar="[journal|receipts]", help="Only these; default: both.")
]


@app.command(epilog=examples("enrollment-gateway keys generate --config gateway.toml"))
def generate(which: Which = None, config: ConfigFile = None) -> None:
    """Make the key files that are not there yet, as the first start would.

    A file that exists is never replaced. Keep a copy elsewhere: without the journal's keys
    nothing in it can be read.
    """
    from gateway.intake import signing
    from gateway.journal.keyring import KeyRing, KeyRingFault

    files = _files(config)
    try:
        if which is not Kind.RECEIPTS:
            had = files.journal_keys.exists()
            KeyRing.load_or_create(files.journal_keys, journal_exists=files.journal.exists())
            _tell(files.journal_keys, had=had)
        if which is not Kind.JOURNAL:
            had = files.receipt_keys.exists()
            signing.load_or_create(files.receipt_keys)
            _tell(files.receipt_keys, had=had)
    except (KeyRingFault, signing.ReceiptKeyFault) as fault:
        raise Failure(f"{fault}.") from None


@app.command(
    epilog=examples(
        "enrollment-gateway keys rotate --config gateway.toml",
        "enrollment-gateway keys rotate receipts --config gateway.toml",
    )
)
def rotate(which: Which = None, config: ConfigFile = None) -> None:
    """Add a new key to each file; the gateway uses it from its next start on.

    The old ones stay: what they sealed still opens, what they signed is still genuine.
    """
    from gateway.intake import signing
    from gateway.journal.keyring import KeyRing, KeyRingFault

    files = _files(config)
    try:
        if which is not Kind.RECEIPTS:
            KeyRing.load(files.journal_keys).rotated().replace(files.journal_keys)
            say(f"{files.journal_keys} has a new key")
        if which is not Kind.JOURNAL:
            signing.rotate(files.receipt_keys)
            say(f"{files.receipt_keys} has a new key")
    except (KeyRingFault, signing.ReceiptKeyFault) as fault:
        raise Failure(f"{fault}.") from None


def _files(config: Path | None) -> "Paths":
    from gateway.config import paths

    return paths(configuration(config).settings)


def _tell(file: Path, *, had: bool) -> None:
    say(f"{file} {'is there already; not touched' if had else 'made'}")
