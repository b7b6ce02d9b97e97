"""`journal verify|export|import|compact`: work on a journal while no gateway has it open."""

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import FAILED, JOURNAL_IN_USE, Failure
from gateway.cli.given import configuration
from gateway.cli.options import ConfigFile, examples
from gateway.cli.screen import progress, say, volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.config import Paths

app = typer.Typer(
    no_args_is_help=True,
    help="Check, move and compact a journal, while no gateway has it open (else exit 75).",
)

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
SHOWN = 20


@app.command(
    epilog=examples(
        "enrollment-gateway journal verify --config gateway.toml",
        "enrollment-gateway journal verify --acknowledge --config gateway.toml",
    )
)
def verify(
    config: ConfigFile = None,
    *,
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge", help="Take note of what was lost: readyz no longer says degraded."
        ),
    ] = False,
) -> None:
    """Check all of it: every page, the figures, and that every sealed part opens.

    Exit 1 if anything is wrong, with what. It changes nothing, and reads all of the file: a large
    one takes minutes. A journal with damaged pages is salvaged when the gateway starts on it; what
    cannot be opened becomes a dead letter when it is due.
    """
    from gateway.journal.keyring import KeyRing
    from gateway.journal.sqlite.offline.verifying import verify as run

    with working(config) as files:
        found = run(
            files.journal,
            KeyRing.load(files.journal_keys),
            progress=progress("verified"),
            acknowledge=acknowledge,
        )
    counts = ", ".join(f"{count} {status}" for status, count in found.by_status.items() if count)
    say(f"pages and figures are sound: {counts or 'no enrollments'}")
    say(f"{found.opened} sealed parts open, under {len(found.keys)} keys")
    for sentence in (*found.damage, *found.broken[:SHOWN]):
        say(f"! {sentence}")
    if len(found.broken) > SHOWN:
        say(f"! and {len(found.broken) - SHOWN} more")
    if not found.is_whole:
        raise typer.Exit(FAILED)


@app.command(epilog=examples("enrollment-gateway journal export undelivered.jsonl"))
def export(file: File, config: ConfigFile = None) -> None:
    """Write what is not delivered to FILE, dead letters among it, sealed as it is.

    FILE is new, and useless without the journal's key file. The journal keeps all of it: do not
    start a gateway on it any more once FILE was imported elsewhere.
    """
    from gateway.journal.sqlite.offline.transfer import export as run

    with working(config) as files:
        try:
            found = run(files.journal, file, progress=progress("exported"))
        except FileExistsError:
            raise Failure(f"{file} exists already; it is not replaced.") from None
    say(f"{found.count} enrollments in {file}; to open them takes these keys:")
    for key in found.keys:
        say(f"  {key}")


@app.command("import", epilog=examples("enrollment-gateway journal import undelivered.jsonl"))
def import_(file: File, config: ConfigFile = None) -> None:
    """Take in what an export holds: all of it or nothing. The same FILE twice changes nothing.

    What comes in is in doubt, for the journal that it comes from may have delivered it since: it is
    sent with the same key, or looked up, or left to a person, as the server allows. The journal
    must have been started once, with the key file of the one that was exported.
    """
    from gateway.journal.keyring import KeyRing
    from gateway.journal.sqlite.offline.transfer import import_ as run

    with working(config) as files:
        found = run(
            files.journal,
            file,
            KeyRing.load(files.journal_keys),
            now=time.time(),
            progress=progress("imported"),
        )
    say(f"{found.taken} enrollments taken in, {found.known} were here already")


@app.command(epilog=examples("enrollment-gateway journal compact --config gateway.toml"))
def compact(config: ConfigFile = None) -> None:
    """Give the space that erased bodies left free back to the disk.

    The gateway uses it again by itself; this is for a disk that others need. It takes twice the
    size of what is kept for a while, and says so if there is less.
    """
    from gateway.journal.sqlite.offline.compacting import compact as run

    with working(config) as files:
        found = run(files.journal)
    say(f"{volume(found.before)} before, {volume(found.after)} now")


@contextmanager
def working(config: Path | None) -> "Iterator[Paths]":
    """The files to work on; every fault of the journal is told with what to do."""
    from gateway.config import paths
    from gateway.journal.contract import JournalFault, JournalInUse
    from gateway.journal.keyring import KeyRingFault
    from gateway.journal.sqlite.opening import Damaged

    settings = configuration(config).settings
    files = paths(settings)
    if not settings.journal.url.startswith("sqlite:"):
        raise Failure("This is for a journal in a file; use the tools of PostgreSQL for this one.")
    try:
        yield files
    except JournalInUse:
        raise Failure(
            f"A gateway is using the journal {files.journal}. Stop it first.", JOURNAL_IN_USE
        ) from None
    except Damaged as fault:
        raise Failure(
            f"The journal {files.journal} is damaged: {fault}.\n"
            "Start the gateway on it: it keeps the damaged file, and salvages what is intact."
        ) from None
    except (JournalFault, KeyRingFault) as fault:
        raise Failure(f"{fault}.") from None
