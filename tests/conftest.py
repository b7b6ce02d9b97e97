"""What holds for every test: a mark of the fault campaign says what it must."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from tests.faults.campaign import Campaign, claims_of
from tests.faults.trials import Seen
from tests.support.steady_loop import SteadyPolicy

# How long an example takes says how busy the machine is, nothing of the code.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-results",
        type=Path,
        metavar="FILE",
        help="Run only the tests that try a fault, and write what came of them.",
    )


def pytest_configure(config: pytest.Config) -> None:
    asyncio.set_event_loop_policy(SteadyPolicy())
    path = config.getoption("--fault-results")
    if path is not None:
        config.pluginmanager.register(Campaign(path))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        claims_of(item)


@pytest.fixture
def seen(record_property: Callable[[str, object], None]) -> Seen:
    """Adds figures of this run to what the table says of the test: ``seen("20 seeds")``."""
    return partial(record_property, "seen")
