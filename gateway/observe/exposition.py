"""Writes a registry as a page for Prometheus, quicker than the library does.

Must not know any metric. The library builds the name and labels of every series anew at each
scrape; here each is written once and looked up after. Only counters, gauges and histograms are
written, which is all that the catalogue has.

Sources: Prometheus' text format 0.0.4, and OpenMetrics 1.0.
"""

import math
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.samples import Exemplar, Sample

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_OPEN_METRICS_TYPE: Final = "application/openmetrics-text"

_NOT_FINITE: Final = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}
_SMALL: Final = tuple(f"{number}.0" for number in range(1024))
"""Most counts are small; a number's text is looked up where it can be."""


class Exposition:
    """Pages of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._names: dict[tuple[str, ...], str] = {}

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics where ``accept`` names it, else text."""
        if _OPEN_METRICS_TYPE in accept:
            lines = [*self._lines(exemplars=True), "# EOF\n"]
            return "".join(lines).encode(), OPEN_METRICS
        return "".join(self._lines(exemplars=False)).encode(), TEXT

    def _lines(self, *, exemplars: bool) -> Iterator[str]:
        names = self._names
        for family in self._registry.collect():
            yield _head(family, open_metrics=exemplars)
            for sample in family.samples:
                # Within a metric the labels always come in the same order.
                key = (sample.name, *sample.labels.values())
                name = names.get(key)
                if name is None:
                    name = names[key] = _series(sample)
                value = sample.value
                if 0 <= value < len(_SMALL) and value == (whole := int(value)):
                    number = _SMALL[whole]
                else:
                    number = _number(value)
                if exemplars and sample.exemplar is not None:
                    yield f"{name} {number}{_exemplar(sample.exemplar)}\n"
                else:
                    yield f"{name} {number}\n"


def _head(family: Metric, *, open_metrics: bool) -> str:
    """What the family is. OpenMetrics names a counter without its suffix."""
    name = family.name
    if family.type == "counter" and not open_metrics:
        name += "_total"
    return f"# HELP {name} {_escaped(family.documentation)}\n# TYPE {name} {family.type}\n"


def _series(sample: Sample) -> str:
    return sample.name + (_labels(sample.labels) if sample.labels else "")


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else _NOT_FINITE[repr(float(value))]


def _exemplar(exemplar: Exemplar) -> str:
    moment = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {_labels(exemplar.labels)} {_number(exemplar.value)}{moment}"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
