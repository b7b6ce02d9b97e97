"""`python -m tests.grafana.live [SCENARIO]`: watch an outage, ask everything, draw the pages."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.grafana.live import picture
from tests.grafana.live.asking import Prometheus
from tests.grafana.live.judging import Fired, complaints
from tests.grafana.live.stage import programs, watched
from tests.grafana.pages import PAGES

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"


def main() -> int:
    """Exit code 0: every question was answered and the right alerts fired; 1: not."""
    parser = argparse.ArgumentParser(prog="python -m tests.grafana.live", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="five-minute-outage")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="default: %(default)s")
    options = parser.parse_args()
    say = sys.stdout.write
    with (
        tempfile.TemporaryDirectory(prefix="watched-") as folder,
        watched(Path(folder), options.scenario) as run,
    ):
        prometheus = Prometheus.of(run)
        answers = [*prometheus.every_answer()]
        fired = Fired.during(prometheus, run.told)
        for name in PAGES:
            mine = [answer for answer in answers if answer.page == name]
            drawn = picture.draw(name, mine, (run.began, run.ended))
            png = options.pictures / f"dashboard-{name}.png"
            picture.photograph(drawn, png, picture.height(name))
    wrong = complaints(answers) + fired.wrong()
    say(f"{programs()}\n{options.scenario}, {run.ended - run.began:.0f} s, ")
    say("every target met\n" if run.verdict == 0 else "some targets of the load test missed\n")
    say(
        f"{len(answers)} questions asked: panels, annotations and variables of {len(PAGES)} pages\n"
    )
    say(f"alerts that fired: {', '.join(sorted(fired.by_prometheus))}\n")
    for receiver in sorted(run.told.by_receiver):
        say(f"  told {receiver}: {', '.join(sorted(run.told.firing(receiver)))}\n")
    for line in wrong:
        say(f"WRONG: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
