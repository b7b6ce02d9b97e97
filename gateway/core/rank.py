"""Where an enrollment stands in the queue: one number, smaller goes first.

Theory: sorting by priority alone starves the unurgent; sorting by age alone ignores urgency. So
urgency is worth a fixed head start: one step of priority (RFC 9218) is worth one hour of age. An
enrollment that has waited an hour longer overtakes one that is one step more urgent, however many
urgent ones keep coming. The rank is fixed when an enrollment is accepted, so the journal's index
never has to be rewritten as time passes. A station that has more waiting than its share lags behind
this rank: see ``shares``.
"""

from typing import Final

from gateway.core.enrollment import DEFAULT_PRIORITY

SECONDS_A_STEP: Final = 3600.0


def rank(*, accepted_at: float, priority: int) -> float:
    """Wall seconds, moved by the head start: at the default priority it is ``accepted_at``."""
    return accepted_at + (priority - DEFAULT_PRIORITY) * SECONDS_A_STEP


def handicap(priority: int) -> float:
    """Seconds by which a priority goes later than the default; negative: earlier."""
    return (priority - DEFAULT_PRIORITY) * SECONDS_A_STEP
