"""From a scenario of the load tests to what the parts of a simulated world take. Figures only."""

from typing import Final

from gateway.config import Settings
from gateway.config.loading import load
from gateway.wiring.translation import delivery_policy
from loadtests.scenario import Scenario
from loadtests.via import variable
from simulation.whole.scenario import Disk
from simulation.whole.scenario import Scenario as Terms

LATENCY: Final = 0.002  # seconds one way, at most: both ends are on one machine
COMMIT: Final = 0.004  # seconds, at most


class NotSimulated(ValueError):
    """The scenario has something that has no likeness here; the text says what."""


def settings_of(scenario: Scenario) -> Settings:
    """The gateway's settings, by the same environment that a real run gives it."""
    environ = {variable(key): str(value) for key, value in scenario.gateway.items()}
    return load(None, {}, environ=environ).settings


def terms_of(scenario: Scenario, seed: int) -> Terms:
    """What the gateway and the server agree on, and what goes wrong.

    Raises:
        NotSimulated: there is no likeness of something.
    """
    settings = settings_of(scenario)
    policy = delivery_policy(settings)
    if policy.honours_key != scenario.server_honours_key:
        raise NotSimulated("the server and the gateway must think alike of keys")
    if policy.can_look_up and not scenario.server_lookup:
        raise NotSimulated("the gateway may look up only what the server can be asked")
    if scenario.stations.uplink_bits_per_second is not None:
        raise NotSimulated("lines of stations have no likeness here: every packet leaves at once")
    return Terms(
        seed=seed,
        model=scenario.server,
        policy=policy,
        timeout=settings.upstream.timeout_seconds,
        max_window=settings.upstream.max_window,
        arrivals=(),
        latency=LATENCY,
        disk=Disk(seconds=COMMIT),
        faults=scenario.faults,
    )
