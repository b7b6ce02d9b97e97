"""What is lost or cannot be read, in words for operators. Pure: the stores only count."""

from collections.abc import Mapping
from typing import Final

from gateway.core.decide import UNREADABLE
from gateway.journal.moves import LOST

NOTE: Final = "damage"
"""Under this name a journal remembers what was lost and has no enrollment to show for it."""


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
