"""What must be seen of an outage, and what may be missing, each with its reason."""

from dataclasses import dataclass

from tests.grafana.live.asking import Answer, Prometheus
from tests.grafana.live.stage import Told

SHOULD_FIRE = {
    "EnrollmentGatewayWatchdog": "dead-man",
    "EnrollmentGatewayServerDown": "chat",
}
"""During an outage of the server that ends by itself: these and no others; whom each is told."""

NEVER_CLEAR = {"EnrollmentGatewayWatchdog"}

MAY_BE_EMPTY: dict[str, str] = {}
"""Panels that show nothing after such a run, by their question: why that is right."""


@dataclass(frozen=True)
class Fired:
    """What fired, by Prometheus' own record and as receivers heard it."""

    by_prometheus: set[str]
    still: set[str]
    told: Told

    @classmethod
    def during(cls, prometheus: Prometheus, told: Told) -> "Fired":
        """Every alert that fired at any moment of the run."""
        firing = 'ALERTS{alertstate="firing"}'
        seen, still = (
            {labels["alertname"] for labels, _ in series}
            for series in (prometheus.range(firing), prometheus.now(firing))
        )
        return cls(seen, still, told)

    def wrong(self) -> list[str]:
        """Every way in which it is not what should have fired, or went to the wrong one."""
        found = [f"{name} did not fire" for name in SHOULD_FIRE.keys() - self.by_prometheus]
        found += [f"{name} did not clear" for name in self.still - NEVER_CLEAR]
        found += [f"{name} fired" for name in self.by_prometheus - SHOULD_FIRE.keys()]
        for name, receiver in SHOULD_FIRE.items():
            for other in ("pager", "tickets", "chat", "dead-man"):
                if (name in self.told.firing(other)) != (other == receiver):
                    found.append(f"{name}: told {other}: {name in self.told.firing(other)}")
        heard = set().union(*map(self.told.firing, self.told.by_receiver))
        return found + [f"{name} was told" for name in heard - SHOULD_FIRE.keys()]


def complaints(answers: list[Answer]) -> list[str]:
    """Every question that got an error or nothing to see, and was not expected to."""
    found = []
    for answer in answers:
        what = f"{answer.page}: {answer.what}"
        found += [f"{what}: {error}" for error in answer.errors]
        found += [
            f"{what}: {series.name} is infinite" for series in answer.series if series.endless
        ]
        if answer.empty and answer.what not in MAY_BE_EMPTY:
            found.append(f"{what}: nothing to see")
    asked = {answer.what for answer in answers}
    seen = {answer.what for answer in answers if not answer.empty}
    found += [
        f"{what}: allowed to be empty, and is not there"
        for what in MAY_BE_EMPTY
        if what not in asked
    ]
    return found + [
        f"{what}: allowed to be empty, and is not" for what in MAY_BE_EMPTY if what in seen
    ]
