"""`journal verify|export|import|compact`: work on a journal while no gateway has it open.

On PostgreSQL some of it may be done while gateways run, and some is the database's own work.
"""

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import FAILED, Failure
from gateway.cli.given import configuration
from gateway.cli.options import ConfigFile, examples
from gateway.cli.screen import progress, say, volume
from gateway.cli.serving import JOURNAL_IN_USE
from gateway.cli.who import who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.config import Paths

app = typer.Typer(
    no_args_is_help=True,
    help="Check, move and compact a journal, while no gateway has it open (else exit 75).",
)

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
SHOWN = 20
NO_COMPACTING = (
    "PostgreSQL clears up by itself (autovacuum), and uses the space again. To give it back to the"
    " disk: stop the gateways, then `VACUUM (FULL, ANALYZE)` of the journal's tables; or pg_repack"
    " while they run."
)


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
    """Check all of it: pages, figures, the audit's chain, and that every sealed part opens.

    Exit 1 if anything is wrong, with what. It changes nothing, and reads all of the file: a large
    one takes minutes. A journal with damaged pages is salvaged when the gateway starts on it; what
    cannot be opened becomes a dead letter when it is due. One on PostgreSQL may be in use: a single
    moment of it is looked at. Its pages are the database's own business (see pg_amcheck).
    """
    from gateway.journal.keyring import KeyRing

    with working(config) as place:
        ring, tell = KeyRing.load(place.files.journal_keys), progress("verified")
        if acknowledge:
            audited(place, "losses acknowledged")
        if place.shared:
            from gateway.journal.postgres.offline import verifying as shared

            found = asyncio.run(
                shared.verify(place.url, ring, progress=tell, acknowledge=acknowledge)
            )
        else:
            from gateway.journal.sqlite.offline.verifying import verify as run

            found = run(place.files.journal, ring, progress=tell, acknowledge=acknowledge)
    told = "figures are compared" if place.shared else "pages and figures are sound"
    counts = ", ".join(f"{count} {status}" for status, count in found.by_status.items() if count)
    say(f"{told}: {counts or 'no enrollments'}")
    say(f"{found.opened} sealed parts open, under {len(found.keys)} keys")
    if found.audit is not None and found.audit.holds:
        say(f"the audit's chain holds: {found.audit.records} records")
    for sentence in (*found.damage, *found.broken[:SHOWN]):
        say(f"! {sentence}")
    if len(found.broken) > SHOWN:
        say(f"! and {len(found.broken) - SHOWN} more")
    if found.audit is not None and found.audit.broken_at is not None:
        say(
            f"! the audit's chain breaks at record {found.audit.broken_at}: it, or one before it,"
            " was changed, taken out or put in. Keep a copy of this file, and compare the records"
            " (`audit list --all`) with the links in the log (operator_acted). Delivery is not"
            " touched by it; the records that follow prove only what came after"
        )
    if not found.is_whole:
        raise typer.Exit(FAILED)


@app.command(epilog=examples("enrollment-gateway journal export undelivered.jsonl"))
def export(file: File, config: ConfigFile = None) -> None:
    """Write what is not delivered to FILE, dead letters among it, sealed as it is.

    FILE is new, and useless without the journal's key file. The journal keeps all of it: do not
    start a gateway on it any more once FILE was imported elsewhere.
    """
    with working(config) as place:
        tell = progress("exported")
        audited(place, "export")
        try:
            if place.shared:
                from gateway.journal.postgres.offline import transfer as shared

                found = asyncio.run(shared.export(place.url, file, progress=tell))
            else:
                from gateway.journal.sqlite.offline.transfer import export as run

                found = run(place.files.journal, file, progress=tell)
        except FileExistsError:
            raise Failure(f"{file} exists already; it is not replaced.") from None
    say(f"{found.count} enrollments in {file}; to open them takes these keys:")
    for key in found.keys:
        say(f"  {key}")


@app.command("import", epilog=examples("enrollment-gateway journal import undelivered.jsonl"))
def import_(file: File, config: ConfigFile = None) -> None:
    """Take in what an export holds: all of it or nothing. The same FILE twice changes nothing.

    What comes in is in doubt, for the journal that it comes from may have delivered it since: it is
    sent with the same key, or looked up, or left to a person, as the server allows. The key file
    must be that of the journal that was exported. From a file into PostgreSQL, or back, goes the
    same way. A journal in a file must have been started once; gateways on PostgreSQL may run.
    """
    from gateway.journal.keyring import KeyRing

    with working(config) as place:
        ring, tell = KeyRing.load(place.files.journal_keys), progress("imported")
        now = time.time()
        if place.shared:
            from gateway.journal.postgres.offline import transfer as shared

            found = asyncio.run(shared.import_(place.url, file, ring, now=now, progress=tell))
            audited(place, "import")  # not before: an import may be what makes the journal
        else:
            from gateway.journal.sqlite.offline.transfer import import_ as run

            audited(place, "import")
            found = run(place.files.journal, file, ring, now=now, progress=tell)
    say(f"{found.taken} enrollments taken in, {found.known} were here already")


@app.command(epilog=examples("enrollment-gateway journal compact --config gateway.toml"))
def compact(config: ConfigFile = None) -> None:
    """Give the space that erased bodies left free back to the disk.

    The gateway uses it again by itself; this is for a disk that others need. It takes twice the
    size of what is kept for a while, and says so if there is less.
    """
    from gateway.journal.sqlite.offline.compacting import compact as run

    with working(config, only_files=NO_COMPACTING) as place:
        audited(place, "compact")
        found = run(place.files.journal)
    say(f"{volume(found.before)} before, {volume(found.after)} now")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the journal is."""

    files: "Paths"
    url: str

    @property
    def shared(self) -> bool:
        """On PostgreSQL, and not in a file."""
        return self.url.startswith("postgresql:")


def audited(place: Place, action: str, *, subject: str = "journal") -> None:
    """Put what is about to be done into the journal's audit, where there is a journal."""
    from gateway.journal.contract import AuditRecord

    record = AuditRecord(0, time.time(), who(), action, subject, "by a command")
    if place.shared:
        from gateway.journal.postgres.offline.auditing import audit as shared

        asyncio.run(shared(place.url, record))
    elif place.files.journal.exists():
        from gateway.journal.sqlite.offline.auditing import audit

        audit(place.files.journal, record)


@contextmanager
def working(config: Path | None, *, only_files: str | None = None) -> "Iterator[Place]":
    """The journal to work on; every fault of it is told with what to do.

    Args:
        config: the configuration's file.
        only_files: what to do instead where the journal is on PostgreSQL; None: the work knows it.
    """
    from gateway.config import paths
    from gateway.journal.contract import JournalFault, JournalInUse
    from gateway.journal.keyring import KeyRingFault
    from gateway.journal.sqlite.opening import Damaged

    settings = configuration(config).settings
    place = Place(paths(settings), settings.journal.url)
    if place.shared and only_files is not None:
        raise Failure(only_files)
    name = "on PostgreSQL" if place.shared else str(place.files.journal)
    try:
        yield place
    except JournalInUse:
        raise Failure(
            f"A gateway is using the journal {name}. Stop it first.", JOURNAL_IN_USE
        ) from None
    except Damaged as fault:
        raise Failure(
            f"The journal {name} is damaged: {fault}.\n"
            "Start the gateway on it: it keeps the damaged file, and salvages what is intact."
        ) from None
    except (JournalFault, KeyRingFault) as fault:
        raise Failure(f"{fault}.") from None
