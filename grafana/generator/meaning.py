"""What numbers, words and colours mean, the same on every page.

Must not know panels' places. Edges of time are those of the objectives: 0.25 s, 1 s, 10 s for what
a station waits for; 10 minutes and an hour for what a citizen does.
"""

from typing import Final

from grafana.generator.model import Query, Step, Text
from grafana.generator.queries import UNDELIVERED, gateway, levels

GOOD: Final = "green"
LOOK: Final = "orange"
BAD: Final = "red"
CALM: Final = "blue"

COUNT: Final = "short"
PER_SECOND: Final = "suffix: /s"
SECONDS: Final = "s"
SHARE: Final = "percentunit"
BYTES: Final = "bytes"
WORDS: Final = "none"

NEUTRAL: Final = (Step(None, CALM),)
"""For a single number that is neither good nor bad."""

NO_ANSWER: Final = Text("journal silent", BAD)
NOT_YET: Final = Text("not known yet", LOOK)
NOTHING: Final = Text("nothing yet", CALM)


def rising(look: float, bad: float) -> tuple[Step, ...]:
    """The more, the worse."""
    return (Step(None, GOOD), Step(look, LOOK), Step(bad, BAD))


def falling(bad_below: float, look_below: float) -> tuple[Step, ...]:
    """The less, the worse."""
    return (Step(None, BAD), Step(bad_below, LOOK), Step(look_below, GOOD))


UNDELIVERED_AGE: Final = rising(600, 3600)
STATES: Final = {
    0: Text("steady", GOOD),
    1: Text("slow start", LOOK),
    2: Text("away", BAD),
    3: Text("paused", CALM),
}


def _upstream_state() -> str:
    """One number for a one-hot gauge: the keys of `STATES`."""
    return " + ".join(
        f"{code} * " + levels(gateway("upstream_state", f'state="{state}"'), "instance")
        for state, code in (("steady", 0), ("slow_start", 1), ("open", 2), ("paused", 3))
    )


UPSTREAM_STATE: Final = (Query(_upstream_state(), "{{instance}}"),)

BACKLOG: Final = (Query(levels(gateway("enrollments", UNDELIVERED), "instance"), "{{instance}}"),)

OUTCOME_COLOURS: Final = {
    "delivered": GOOD,
    "rejected": "purple",
    "refused": LOOK,
    "not_sent": "yellow",
    "in_doubt": BAD,
}
REQUEST_COLOURS: Final = {
    "answered": GOOD,
    "accepted": CALM,
    "replayed": "light-blue",
    "relayed": "gray",
    "rejected": "purple",
    "refused": BAD,
}
