"""`keys generate|rotate`: the keys that seal the journal and those that sign receipts."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Failure
from gateway.cli.given import configuration
from gateway.cli.journal import audited, working
from gateway.cli.options import ConfigFile, examples
from gateway.cli.screen import progress, say
from gateway.cli.who import who

if TYPE_CHECKING:
    from gateway.cli.journal import Place
    from gateway.config import Paths
    from gateway.journal.keyring import KeyRing

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
        "enrollment-gateway keys rotate journal --forget-old --config gateway.toml",
    )
)
def rotate(
    which: Which = None,
    config: ConfigFile = None,
    *,
    forget_old: Annotated[
        bool,
        typer.Option(
            "--forget-old",
            help="Also take the journal's old keys out of their file. Backups and exports that were"
            " made before cannot be opened with it any more.",
        ),
    ] = False,
) -> None:
    """Make a new key in each file, and wrap the journal's data keys anew under its new one.

    For the journal's keys the gateway must be stopped (else exit 75). Cut off, it goes on when it
    is called again. On PostgreSQL gateways may run, and what is there stays under its key. The old
    keys stay in the file, for backups, until --forget-old; receipts that an old key signed are
    still genuine. It is in the audit; for the receipts' keys, once a gateway has read their file.
    """
    from gateway.intake import signing
    from gateway.journal.keyring import KeyRingFault

    files = _files(config)
    try:
        if which is not Kind.RECEIPTS:
            _rotate_journal(config, forget_old=forget_old)
        if which is not Kind.JOURNAL:
            signing.rotate(files.receipt_keys, by=who(), now=time.time())
            say(f"{files.receipt_keys} has a new key; it signs from the gateway's next start on")
    except (KeyRingFault, signing.ReceiptKeyFault) as fault:
        raise Failure(f"{fault}.") from None


def _rotate_journal(config: Path | None, *, forget_old: bool) -> None:
    """A new key, unless the last rotation was cut off; then all under it."""
    from gateway.journal.keyring import KeyRing
    from gateway.journal.sqlite.offline.rewrapping import needs_more_than_one, rewrap

    with working(config) as place:
        files = place.files
        ring = KeyRing.load(files.journal_keys)
        if place.shared:
            _rotate_shared(place, ring, forget_old=forget_old)
            return
        if not files.journal.exists():
            ring.rotated().replace(files.journal_keys)
            say(f"{files.journal_keys} has a new key")
            return
        audited(place, "journal keys rotated", subject="keys")
        if needs_more_than_one(files.journal):
            say("the last rotation was not finished; going on with its key")
        else:
            ring = ring.rotated()
            ring.replace(files.journal_keys)
            say(f"{files.journal_keys} has a new key; keep a copy of it elsewhere")
        found = rewrap(files.journal, ring, progress=progress("wrapped anew"))
        say(f"{found.changed} enrollments are under the new key")
        if found.broken:
            raise Failure(
                f"{len(found.broken)} do not open and stay as they were, first: {found.broken[0]}."
                "\nNo old key is taken out. See `enrollment-gateway journal verify`."
            )
        if forget_old:
            audited(place, "old journal keys forgotten", subject="keys")
            ring.pruned().replace(files.journal_keys)
            say("the old keys are gone from the file")


def _rotate_shared(place: "Place", ring: "KeyRing", *, forget_old: bool) -> None:
    """A new key for what comes; what is there stays under the old ones until it is forgotten."""
    file = place.files.journal_keys
    if forget_old:
        raise Failure(
            "On PostgreSQL old keys are still needed for what was taken in under them, until it is"
            " delivered and journal.retention_seconds are over. Keep them in the file."
        )
    _audit_anyway(place, "journal keys rotated")
    ring.rotated().replace(file)
    say(f"{file} has a new key, for what is taken in from now on")
    say("copy it to every gateway, then restart one after the other, while delivery is paused")


def _audit_anyway(place: "Place", action: str) -> None:
    """What needs no database is done also where it is out of reach."""
    from gateway.journal.contract import JournalFault

    try:
        audited(place, action, subject="keys")
    except JournalFault:
        say("This is not in the journal's audit, for the database is out of reach.")


def _files(config: Path | None) -> "Paths":
    from gateway.config import paths

    return paths(configuration(config).settings)


def _tell(file: Path, *, had: bool) -> None:
    say(f"{file} {'is there already; not touched' if had else 'made'}")
