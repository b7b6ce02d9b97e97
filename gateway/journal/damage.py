"""What is lost or cannot be read, in words for operators. Pure: the stores only count."""

from collections.abc import Mapping
from typing import Final

from gateway.core.decide import UNREADABLE
from gateway.journal.moves import LOST

NOTE: Final = "damage"
"""Under this name a journal remembers what was lost and has no enrollment to show for it."""
RESTORED: Final = "restored"
"""Under this name a journal that was opened older than it should be says why, once.

What waited in it is in doubt then. The wiring pauses delivery with this reason and takes the note
away: a person must say that it goes on.
"""


def restored(why: str) -> str:
    """The reason of the pause."""
    return (
        f"the journal may be an older copy: {why}. What waited is in doubt, for it may have been"
        " delivered since; resume to go on"
    )


def missing(count: int, why: str) -> str:
    """What is not in an older journal."""
    return f"at least {count} accepted enrollments are missing, their ids not known: {why}"


def told(quarantined: Mapping[str, int], noted: str | None) -> tuple[str, ...]:
    """The sentences of ``contract.Journal.damage``.

    Args:
        quarantined: how many dead letters there are of each reason of ``moves.QUARANTINED``.
        noted: what is kept under ``NOTE``: a sentence a line.
    """
    counted = {
        UNREADABLE: "{} cannot be read and {} kept as dead letters (reason unreadable)",
        LOST: "{} lost from a damaged journal, {} listed as dead letters (reason lost)",
    }
    sentences = [] if not noted else noted.split("\n")
    for reason, sentence in counted.items():
        count = quarantined.get(reason, 0)
        if count:
            who = "1 enrollment" if count == 1 else f"{count} enrollments"
            verb = "is" if count == 1 else "are"
            was = f"{who} {'was' if count == 1 else 'were'}" if reason == LOST else who
            sentences.append(sentence.format(was, verb))
    return tuple(sentences)
