"""`python -m tests.faults RESULTS… > docs/faults.md`: the table of one run, or of several together.

Of a test that is in several, the last result counts. Exit code 1 where a fault was tried and not
survived.
"""

import sys
from pathlib import Path

from tests.faults.effort import effort
from tests.faults.table import page
from tests.faults.trials import load

if __name__ == "__main__":
    found = [trial for path in sys.argv[1:] for trial in load(Path(path).read_text("utf-8"))]
    known = {(trial.name, trial.claims): trial for trial in found}
    known |= {(trial.name, trial.claims): trial for trial in found if trial.results}
    trials = list(known.values())
    sys.stdout.write(page(trials, effort().described))
    sys.exit(any(trial.result == "failed" for trial in trials))
