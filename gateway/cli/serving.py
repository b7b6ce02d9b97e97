"""Serve with checked settings, and tell why it cannot be. Loads nothing of the command line."""

import sys
from typing import TYPE_CHECKING, Final

from gateway.config.faults import ConfigFault
from gateway.core.masking import clean
from gateway.memory import without, without_authorities

if TYPE_CHECKING:
    from gateway.config import Settings

JOURNAL_IN_USE: Final = 75  # EX_TEMPFAIL of sysexits.h: it may work later
BAD_CONFIGURATION: Final = 78  # EX_CONFIG
# Taken where they are found: by structlog for colours and for gevent, by aiohttp to decompress what
# is passed on here as it came.
_NOT_NEEDED: Final = ("rich", "greenlet", "brotli", "brotlicffi", "backports.zstd")


def serve(settings: "Settings") -> int:
    """Run the gateway until it is told to stop; returns the exit code."""
    with without(*_NOT_NEEDED), without_authorities():
        from gateway import wiring
    from gateway.journal.contract import JournalInUse

    try:
        return wiring.serve(settings)
    except ConfigFault as fault:
        return give_up(bad_configuration(fault), BAD_CONFIGURATION)
    except JournalInUse:
        return give_up(
            f"Another gateway is using the journal {settings.journal.url}.\n"
            "Stop it first, or give this one a journal of its own: --journal sqlite:///FILE.",
            JOURNAL_IN_USE,
        )


def bad_configuration(fault: ConfigFault) -> str:
    """How a fault of configuration is told."""
    count = len(fault.problems)
    title = f"The configuration has {count} error{'s' * (count > 1)}:"
    return "\n".join((title, *(f"  {each}" for each in fault.problems)))


def give_up(text: str, code: int) -> int:
    """Say why on standard error; returns the exit code."""
    sys.stderr.write("".join(f"{clean(line)}\n" for line in text.split("\n")))
    sys.stderr.flush()
    return code
