"""What every part is given: settings, time, chance, and the word that goes round."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gateway.clock import SystemClock
from gateway.config import ConfigFault, Problem, paths
from gateway.config.schemes import POSTGRESQL
from gateway.core.facts import Fact, Publish
from gateway.observe.logs import Logs
from gateway.observe.metrics import Metrics
from gateway.observe.tracing import UNTRACED, Tracing
from gateway.wiring.translation import config_digest

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.wiring.renewal import Renewal

VERSION: Final = version("enrollment-gateway")


class Shared:
    """One of each for the whole process."""

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self.paths = paths(settings)
        self.clock = SystemClock()
        self.rng = random.Random()  # noqa: S311 - for ids and jitter; keys come from elsewhere
        self.metrics = Metrics(
            version=VERSION, config_sha256=config_digest(settings), clock=self.clock
        )
        self.tracing: Tracing = UNTRACED
        self.renewals: list[Renewal[Any]] = []
        self._listeners: list[tuple[Publish, frozenset[type[Fact]]]] = []
        self._told: dict[type[Fact], tuple[Publish, ...]] = {}
        for kind, count in self.metrics.counts.items():
            self.subscribe(count, kind)
        logs = Logs()
        self.subscribe(logs.on_fact, *logs.kinds())

    @property
    def shares_its_journal(self) -> bool:
        """Whether several gateways may share the journal. One that has its own loads no group."""
        return self.settings.journal.url.startswith(POSTGRESQL)

    def publish(self, fact: Fact) -> None:
        """Hand a fact to everyone who listens to its kind."""
        told = self._told.get(type(fact))
        if told is None:
            told = self._told[type(fact)] = tuple(
                listener for listener, kinds in self._listeners if not kinds or type(fact) in kinds
            )
        for listener in told:
            listener(fact)

    def subscribe(self, listener: Publish, *kinds: type[Fact]) -> None:
        """From now on ``listener`` is told every fact of these kinds; of all, if none is named."""
        self._listeners.append((listener, frozenset(kinds)))
        self._told.clear()


@contextmanager
def blaming(key: str, *faults: type[Exception]) -> Iterator[None]:
    """Tell a fault that happens within by the setting that it comes from."""
    try:
        yield
    except faults as fault:
        raise ConfigFault([Problem(key, str(fault))]) from fault
