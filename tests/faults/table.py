"""The campaign as a page: every row, what was done, what was seen, passed or not, how long it took.

Must not know pytest.
"""

from collections.abc import Iterator, Sequence

from tests.faults.rows import GROUPS, ROWS, Row
from tests.faults.trials import Claim, Trial

NOT_TRIED = "**NOT TRIED**"
_RESULTS = {"passed": "passed", "failed": "**FAILED**", "skipped": "**SKIPPED**", None: "not run"}
_TOP = """\
# What was tried, and what was seen

Written by `make faults`; not to be edited. Each row is a fault that the gateway must survive, with
the answer that someone outside must see. It passes when every test that tries it does. Real
processes, sockets and files wherever a fault can be made so; where something stands in for it, the
row says what.
"""
_HEAD = (
    "| # | fault | expected | what was done | what was seen | result | seconds | test |",
    "|---|---|---|---|---|---|---|---|",
)


def page(trials: Sequence[Trial], form: str) -> str:
    """The whole page in Markdown.

    Args:
        trials: what ran; a row that none of them names is shown as not tried.
        form: how long the long ones were, for the reader.
    """
    lines = [_TOP, f"This run: {form}.", "", _summary(trials)]
    for group in GROUPS:
        lines += ["", f"## {group.title}", "", *_HEAD]
        for row in group.rows:
            lines += _row(row, trials)
    return "\n".join(lines) + "\n"


def verdict(row: int, trials: Sequence[Trial]) -> str:
    """What a row came to: ``passed`` only if all that try it did."""
    results = [trial.result for trial in trials for claim in trial.claims if claim.row == row]
    for result in ("failed", None, "skipped"):
        if result in results:
            return _RESULTS[result]
    return _RESULTS["passed"] if results else NOT_TRIED


def _summary(trials: Sequence[Trial]) -> str:
    verdicts = [verdict(number, trials) for number in ROWS]
    counted = (f"{verdicts.count(each)} {each}" for each in dict.fromkeys(verdicts))
    return f"{len(ROWS)} rows: {', '.join(counted)}."


def _row(row: Row, trials: Sequence[Trial]) -> Iterator[str]:
    tried = [
        (trial, claim) for trial in trials for claim in trial.claims if claim.row == row.number
    ]
    first = (str(row.number), row.fault, row.expected)
    if not tried:
        yield _line(*first, "", "", NOT_TRIED, "", "")
    for trial, claim in tried:
        yield _line(*first, *_trial(trial, claim))
        first = ("", "", "")


def _trial(trial: Trial, claim: Claim) -> tuple[str, ...]:
    did = claim.did
    if len(trial.results) > 1:
        did += f" ({len(trial.results)} cases)"
    if claim.stand_in is not None:
        did += f". *Stand-in:* {claim.stand_in}"
    seen = "; ".join(dict.fromkeys(trial.troubles))
    if trial.result == "passed":
        seen = "; ".join((claim.sees, *trial.seen))
    room = trial.name.partition("::")[0].removeprefix("tests/").removesuffix(".py")
    return did, seen, _RESULTS[trial.result], f"{trial.seconds:.1f}", f"`{room}`"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
