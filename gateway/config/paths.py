"""Where the gateway keeps its files. The only place that derives one path from another."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.schemes import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from gateway.config.settings import Settings

_NO_FILE = "enrollment-gateway"


@dataclass(frozen=True, slots=True)
class Paths:
    """The journal's file and the secrets beside it; relative ones to the working directory."""

    journal: Path
    journal_keys: Path
    receipt_keys: Path
    admin_token: Path


def paths(settings: "Settings") -> Paths:
    """The files of these settings: those that are named, else beside the journal."""
    # A shared journal is no file here; what is this gateway's own stands in the working directory.
    shared = settings.journal.url.startswith(POSTGRESQL)
    journal = Path(_NO_FILE if shared else settings.journal.url.removeprefix(SQLITE))

    def beside(suffix: str) -> Path:
        return journal.with_name(journal.name + suffix)

    return Paths(
        journal=journal,
        journal_keys=settings.journal.key_file or beside(".keys.json"),
        receipt_keys=settings.receipts.key_file or beside(".receipts.json"),
        admin_token=settings.admin.token_file or beside(".admin-token"),
    )
