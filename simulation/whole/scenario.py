"""What a history is made of, as data. Pure; must not know how it is drawn or played.

Times are seconds from the beginning, on the true clock that no fault of the machine touches.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.core.decide import DeliveryPolicy
from loadtests.server.faults import Fault
from loadtests.server.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A citizen at a desk, and how that desk sends the enrollment.

    Attributes:
        due: when.
        number: names the enrollment; its key follows from it.
        hold: the longest the station waits for the server's own answer; 0: not at all.
        leaves_after: the station hangs up so long after it sent; None: it does not.
        twice: it sends the same request two times at once.
        asks_again: it comes back for a promised answer until it has one.
    """

    due: float
    station: str
    number: int
    priority: int = 3
    ordering_key: str | None = None
    hold: float = 10.0
    leaves_after: float | None = None
    twice: bool = False
    asks_again: bool = True

    @property
    def key(self) -> str:
        """The idempotency key, and the name in both logs."""
        return f"enrollment-{self.number}"


class Blow(StrEnum):
    """A place at which the gateway's process can die."""

    STEP = "step"
    """Between two turns of the event loop."""
    COMMIT = "commit"
    """Asked to commit; nothing of it is durable."""
    APPLIED = "applied"
    """Durable, but nobody was told."""
    FACT = "fact"
    """In the middle of whatever publishes a fact."""
    SENT = "sent"
    """The request has left; it reaches the server all the same."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies at the ``count``-th such place of its run, and is back after ``seconds``."""

    where: Blow
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """The gateway is told to stop ``after`` seconds of its run; it is back after ``seconds``."""

    after: float
    seconds: float


class Net(StrEnum):
    """What the network does to an attempt."""

    REFUSED = "refused"
    UNREACHABLE = "timeout"
    DNS = "dns"
    TLS = "tls"
    CUT = "cut"
    """The request breaks off before the server has all of it."""
    LOST = "lost"
    """The answer breaks off."""
    SILENT = "silent"
    """The answer never comes, and nobody says so."""
    UNAUTHORIZED = "401"
    """A proxy on the way says no to everything."""


@dataclass(frozen=True, slots=True)
class NetFault:
    """From ``begin`` to ``end`` an attempt meets it with this probability."""

    kind: Net
    begin: float
    end: float
    probability: float = 1.0


class Act(StrEnum):
    """What an operator does."""

    PAUSE = "pause"
    RESUME = "resume"
    REQUEUE = "requeue"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """How long commits take: ``seconds`` at most, and now and then ``stall``."""

    seconds: float = 0.0
    stall: float = 0.0
    stall_probability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One history.

    Attributes:
        latency: seconds one way between gateway and server, at most.
        timeout: seconds of one attempt, and so of a ghost.
        odd: enrollments to which the server answers this status, whoever asks, until ``calm_at``;
            a 4xx for ever.
        ends: how the runs of the gateway end, one after the other.
        jumps: (at, seconds): the machine's wall clock is set.
        acts: (at, act).
        calm_at: from here on nothing goes wrong any more, but for ends of runs still to come.
    """

    seed: int
    model: Model
    policy: DeliveryPolicy
    timeout: float
    max_window: int
    arrivals: tuple[Arrival, ...]
    latency: float = 0.005
    disk: Disk = field(default_factory=Disk)
    faults: tuple[Fault, ...] = ()
    network: tuple[NetFault, ...] = ()
    odd: dict[int, int] = field(default_factory=dict)
    ends: tuple[Crash | Stop, ...] = ()
    jumps: tuple[tuple[float, float], ...] = ()
    acts: tuple[tuple[float, Act], ...] = ()
    calm_at: float = 0.0
