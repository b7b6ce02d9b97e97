"""Every metric, label and label's value that a page asks for is one that is really offered."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.clock import SystemClock
from gateway.observe.metrics import Metrics
from loadtests.exporter import Entry, Stations
from loadtests.server.control import Control
from loadtests.server.driver import Clock, Driver
from loadtests.server.model import Model
from loadtests.server.recording import RecordingServer
from tests.grafana.pages import PAGES, every_expression

Offered = Mapping[str, Mapping[str, set[str]]]
"""Metric -> label -> values."""

_WORD = re.compile(r"[a-zA-Z_:][\w:]*")
_SELECTOR = re.compile(r"\b((?:enrollment_gateway|recording_server|stations)_\w+)(?:\{(.*?)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*?)"')
_GROUPING = re.compile(r"\bby \((.*?)\)")
_PROMQL = {"by", "or", "count", "vector", "sum", "rate", "increase", "deriv", "histogram_quantile"}


@dataclass
class Line:
    """One line of Locust's statistics; Locust itself would patch this process."""

    name: str
    method: str
    num_requests: int
    num_failures: int


class Played:
    """Locust's figures after one enrollment."""

    def entries(self) -> list[Entry]:
        return [Line("/enrollments", "POST", 1, 0)]

    def users(self) -> int:
        return 58


@pytest.fixture
async def offered() -> Offered:
    """What the two registries say, label by label."""
    metrics = Metrics(version="0", config_sha256="0" * 64, clock=SystemClock())
    gateway, _ = metrics.render("text/plain")
    clock = Clock()
    driver = Driver(RecordingServer(Model(), seed=1, now=clock.now()), clock, None)
    answer = await Control(driver).answer(make_mocked_request("GET", "/metrics"))
    assert isinstance(answer.body, bytes)
    found: dict[str, dict[str, set[str]]] = {}
    for text in (gateway, answer.body, generate_latest(Stations(Played()))):
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                # Prometheus adds the instance.
                labels = found.setdefault(sample.name, {"instance": set()})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
    return found


def _wrong(expr: str, offered: Offered) -> Iterator[str]:
    labels: set[str] = set()
    for metric, matchers in _SELECTOR.findall(expr):
        if metric not in offered:
            yield metric
            continue
        labels |= offered[metric].keys()
        for label, operator, value in _MATCHER.findall(matchers):
            if label not in offered[metric]:
                yield f"{metric}: {label}"
            elif label != "instance":
                values = value.split("|") if "~" in operator else [value]
                yield from (f"{label}={v}" for v in values if v not in offered[metric][label])
    for grouping in _GROUPING.findall(expr):
        yield from (label for label in grouping.split(", ") if label not in labels)
    bare = _GROUPING.sub("", re.sub(r'\{.*?\}|\[.*?\]|".*?"', "", expr))
    for word in _WORD.findall(bare):
        if word not in _PROMQL and word not in offered:
            yield word


def test_every_metric_label_and_value_asked_for_is_offered(offered: Offered) -> None:
    wrong = {
        name: found for name, expr in every_expression() if (found := [*_wrong(expr, offered)])
    }
    assert wrong == {}


def test_every_name_in_a_legend_is_a_label_of_its_series(offered: Offered) -> None:
    for page in PAGES.values():
        for target in (t for p in page["panels"] for t in p.get("targets", [])):
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert wanted <= _kept(target, offered), target


def _kept(target: dict[str, Any], offered: Offered) -> set[str]:
    """The labels that an expression's series still have."""
    expr = target["expr"]
    groupings = _GROUPING.findall(expr)
    if groupings:
        return set.intersection(*(set(grouping.split(", ")) for grouping in groupings))
    if re.search(r"\b(sum|count)\b", expr):
        return set()
    return set.intersection(*(set(offered[metric]) for metric, _ in _SELECTOR.findall(expr)))


def test_the_variable_finds_instances_by_a_metric_that_is_offered(offered: Offered) -> None:
    for page in PAGES.values():
        query = page["templating"]["list"][1]["query"]["query"]
        found = re.fullmatch(r"label_values\((\w+), instance\)", query)
        assert found
        assert found[1] in offered


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ("enrollment_gateway_windows", "enrollment_gateway_windows"),
        ('enrollment_gateway_enrollments{status="in-doubt"}', "status=in-doubt"),
        ('enrollment_gateway_window{status="x"}', "enrollment_gateway_window: status"),
        ("sum by (outcom) (enrollment_gateway_attempts_total)", "outcom"),
        ("rate(up[$__rate_interval])", "up"),
    ],
)
def test_a_slip_of_the_pen_is_found(expr: str, wrong: str, offered: Offered) -> None:
    assert wrong in [*_wrong(expr, offered)]
