"""Asks Prometheus what the dashboards ask, as Grafana would: variables filled in, in steps."""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.grafana.live.stage import Watched
from tests.grafana.pages import PAGES, panels

SCRAPE_SECONDS = 5
Points = list[tuple[float, float]]


@dataclass
class Series:
    """One line: its name in the legend, and its points (Unix seconds, value)."""

    name: str
    points: Points

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see: no point, or none with a number."""
        return all(math.isnan(value) for _, value in self.points)

    @property
    def endless(self) -> bool:
        """Whether a point is infinite: it would flatten everything else on its panel."""
        return any(math.isinf(value) for _, value in self.points)


@dataclass
class Answer:
    """What one panel, annotation or variable got."""

    page: str
    what: str
    panel: dict[str, Any] = field(repr=False, default_factory=dict)
    series: list[Series] = field(repr=False, default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether a person would see nothing."""
        return all(series.empty for series in self.series)


@dataclass(frozen=True)
class Prometheus:
    """One Prometheus, and the time that the pages show."""

    url: str
    began: float
    ended: float

    @classmethod
    def of(cls, run: Watched) -> "Prometheus":
        """That of a run, and all of its time."""
        return cls(run.prometheus, run.began, run.ended)

    def every_answer(self) -> Iterator[Answer]:
        """Every panel, annotation and variable of every page."""
        for page, content in PAGES.items():
            for panel in panels(content):
                yield self._panel(page, panel)
            for annotation in content["annotations"]["list"]:
                yield self._annotation(page, annotation)
            for variable in content["templating"]["list"]:
                if variable["type"] == "query":
                    yield self._variable(page, variable)

    def ask(self, path: str, **parameters: str | float) -> Any:  # noqa: ANN401 - JSON
        """One question to its API; `data` of the answer."""
        query = urllib.parse.urlencode(parameters)
        url = f"{self.url}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - ours, on loopback
            return json.load(answer)["data"]

    def range(self, expr: str) -> list[tuple[dict[str, str], Points]]:
        """An expression over the time shown."""
        data = self.ask(
            "query_range",
            query=self._filled(expr),
            start=self.began,
            end=self.ended,
            step=SCRAPE_SECONDS,
        )
        return [(one["metric"], _points(one["values"])) for one in data["result"]]

    def now(self, expr: str) -> list[tuple[dict[str, str], Points]]:
        """An expression at the end of the time shown."""
        data = self.ask("query", query=self._filled(expr), time=self.ended)
        assert data["resultType"] == "vector"
        return [(one["metric"], _points([one["value"]])) for one in data["result"]]

    def exemplars(self, expr: str) -> set[str]:
        """The traces that an expression's buckets lead to."""
        filled = self._filled(expr)
        data = self.ask("query_exemplars", query=filled, start=self.began, end=self.ended)
        return {one["labels"]["trace_id"] for series in data for one in series["exemplars"]}

    def _panel(self, page: str, panel: dict[str, Any]) -> Answer:
        answer = Answer(page, panel["title"], panel)
        for target in panel["targets"]:
            look = self.now if target["instant"] else self.range
            try:
                for labels, points in look(target["expr"]):
                    answer.series.append(Series(_name(target["legendFormat"], labels), points))
            except urllib.error.HTTPError as wrong:
                answer.errors.append(wrong.read().decode())
        return answer

    def _annotation(self, page: str, annotation: dict[str, Any]) -> Answer:
        answer = Answer(page, f"annotation {annotation['name']}")
        try:
            for labels, points in self.range(annotation["target"]["expr"]):
                answer.series.append(Series(labels["instance"], points))
        except urllib.error.HTTPError as wrong:
            answer.errors.append(wrong.read().decode())
        return answer

    def _variable(self, page: str, variable: dict[str, Any]) -> Answer:
        """As Grafana does: the values of a label, of the series that match."""
        answer = Answer(page, f"variable {variable['name']}")
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert found, variable["query"]
        match, label = found.groups()
        values = self.ask(
            f"label/{label}/values", **{"match[]": match, "start": self.began, "end": self.ended}
        )
        answer.series = [Series(value, [(self.ended, 1.0)]) for value in values]
        return answer

    def _filled(self, expr: str) -> str:
        # https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/:
        # max($__interval + scrape interval, 4 * scrape interval); the step here is one interval.
        filled = expr.replace("$__rate_interval", f"{4 * SCRAPE_SECONDS}s")
        filled = filled.replace("$__range", f"{self.ended - self.began:.0f}s")
        filled = filled.replace("$instance", ".+")
        assert "$" not in filled, filled
        return filled


def _points(values: list[Any]) -> Points:
    return [(float(moment), float(value)) for moment, value in values]


def _name(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)
