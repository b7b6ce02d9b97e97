"""Which test tries which fault, and what came of it: the mark ``fault``, gathered in one run.

::

    @pytest.mark.fault(
        10,
        did="started a second gateway on the journal of a running one",
        sees="exit 75 and what to do; the first accepts and stops as before",
        stand_in="what takes the real fault's place, where something does",
    )

A test may carry several marks. ``sees`` is what its assertions hold it to; figures of one run are
added by the fixture ``seen("20 seeds, 0 lost")``. With ``--fault-results=FILE`` only marked tests
run, and FILE is written; ``python -m tests.faults`` makes the table of one or several of these.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.faults.rows import ROWS
from tests.faults.trials import WORST_FIRST, Claim, Trial, dump

MARK: Final = "fault"


def claims_of(item: pytest.Item) -> tuple[Claim, ...]:
    """The marks of a test.

    Raises:
        pytest.UsageError: a mark does not say what it must, or names a row that there is not.
    """
    found = []
    for mark in item.iter_markers(MARK):
        try:
            claim = Claim(*mark.args, **mark.kwargs)
            ROWS[claim.row]
        except (TypeError, KeyError) as wrong:
            raise pytest.UsageError(f"{item.nodeid}: the mark {MARK} is wrong: {wrong}") from None
        found.append(claim)
    return tuple(found)


class Campaign:
    """A plugin of pytest: runs what is marked, and writes what came of it at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trials: dict[str, Trial] = {}  # by the id of each case

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what tries no fault."""
        marked: list[pytest.Item] = []
        others: list[pytest.Item] = []
        known: dict[tuple[str, tuple[Claim, ...]], Trial] = {}
        for item in items:
            claims, name = claims_of(item), item.nodeid.partition("[")[0]
            (marked if claims else others).append(item)
            if claims:
                trial = known.setdefault((name, claims), Trial(name, claims))
                self._trials[item.nodeid] = trial
        config.hook.pytest_deselected(items=others)
        items[:] = marked

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended: a setup or a teardown that fails counts too."""
        trial = self._trials.get(report.nodeid)
        if trial is None:
            return
        trial.seconds += report.duration
        before = trial.results.get(report.nodeid, "passed")
        trial.results[report.nodeid] = min(before, report.outcome, key=WORST_FIRST.index)
        if report.when == "call":
            trial.seen += [str(value) for name, value in report.user_properties if name == "seen"]
        if report.outcome != "passed":
            trial.troubles.append(_trouble(report))

    def pytest_sessionfinish(self) -> None:
        """Write the results."""
        trials = {id(trial): trial for trial in self._trials.values()}
        self._path.write_text(dump(trials.values()), encoding="utf-8")


def _trouble(report: pytest.TestReport) -> str:
    """Why it did not pass, on one line."""
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return text.partition("\n")[0]
