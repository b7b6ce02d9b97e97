"""The pictures of a run: which lines, dots and shades go into which plot. Pure.

Knows no page: `run` and `comparison` put them there.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loadtests.backlog import Drain
from loadtests.evidence import Case, Evidence
from loadtests.logs import GatewaySample
from loadtests.measures import percentile
from loadtests.pages.chart import Chart, Dots, Line, Rule, Span, highest
from loadtests.series import Series, Values, over_time

MOST_DOTS = 1500


@dataclass(frozen=True, slots=True)
class Pictures:
    """All charts of one run, in the order of the page; `memory` only where it was measured."""

    flow: Chart
    backlog: Chart
    window: Chart
    latency: Chart
    memory: Chart | None = None

    def all(self) -> tuple[Chart, ...]:
        """Those that every run has, in order."""
        return (self.flow, self.backlog, self.window, self.latency)

    def whole_page(self) -> tuple[Chart, ...]:
        """Them all, in order."""
        return self.all() if self.memory is None else (*self.all(), self.memory)


def pictures(
    evidence: Evidence, drained: Sequence[Drain], gateway: Sequence[GatewaySample] = ()
) -> Pictures:
    """Draw up all charts of one run over one time axis."""
    series = over_time(evidence, gateway)
    shades = tuple(_shades(evidence, series))
    frame = Chart("", "", series.at[-1], series.at, shaded=shades)
    return Pictures(
        flow=replace(
            frame,
            title="What came, what was promised, what was recorded",
            unit="per second",
            lines=(
                Line("offered by stations", "offered", series.offered, "area"),
                Line("promised or answered", "promised", series.promised),
                Line("recorded by the server", "recorded", series.recorded),
                Line("server's capacity", "capacity", series.capacity, "dashed"),
            ),
        ),
        backlog=replace(
            frame,
            title="Citizens who came and are not recorded yet",
            unit="enrollments",
            lines=(Line("backlog", "backlog", series.backlog, "area"),),
            rules=tuple(_ideals(drained, series.origin)),
        ),
        window=_bearing(frame, evidence, series, gateway),
        latency=_latency(frame, evidence, series),
        memory=_memory(frame, series),
    )


def _memory(frame: Chart, series: Series) -> Chart | None:
    if all(value is None for value in series.resident_megabytes):
        return None
    line = Line("resident memory of the gateway", "memory", series.resident_megabytes, "area")
    return replace(frame, title="How much memory the gateway used", unit="MB", lines=(line,))


MUCH = 4
"""A cliff so many times above the rest is named, not drawn: it would flatten all else."""


def _bearing(
    frame: Chart, evidence: Evidence, series: Series, gateway: Sequence[GatewaySample]
) -> Chart:
    chart = replace(
        frame,
        title="How much the server had to bear",
        unit="requests at once",
        lines=(
            Line("outstanding at the server, most", "outstanding", series.outstanding),
            *_window(series.window),
        ),
        rules=tuple(_cliff(evidence, series)),
        strips=_strips(evidence, series, gateway),
    )
    inside = highest(replace(chart, rules=()))
    return replace(chart, top=inside) if highest(chart) > MUCH * inside else chart


def on_one_scale(runs: Sequence[Pictures]) -> list[Pictures]:
    """The same pictures with common axes, so that runs side by side can be compared by eye."""
    seconds = max(run.flow.seconds for run in runs)

    def common(charts: Iterable[Chart]) -> list[Chart]:
        same = list(charts)
        top = max(highest(chart) for chart in same)
        return [replace(chart, seconds=seconds, top=top) for chart in same]

    rows = zip(*(run.all() for run in runs), strict=True)
    columns = zip(*(common(row) for row in rows), strict=True)
    return [Pictures(*charts) for charts in columns]


def _shades(evidence: Evidence, series: Series) -> Iterable[Span]:
    for outage in evidence.outages:
        end = evidence.last_at if outage.end is None else outage.end
        label = "server tipped over" if outage.own_doing else "server down"
        css = "collapse" if outage.own_doing else "outage"
        yield Span(outage.start - series.origin, end - series.origin, label, css)


def _ideals(drained: Sequence[Drain], origin: float) -> Iterable[Rule]:
    for drain in drained:
        back = (drain.outage.end or 0.0) - origin
        yield Rule("as fast as possible", "ideal", (back, drain.backlog), (back + drain.ideal, 0.0))


def _window(window: Values) -> Iterable[Line]:
    if any(value is not None for value in window):
        yield Line("gateway's window", "window", window)


def _cliff(evidence: Evidence, series: Series) -> Iterable[Rule]:
    limit = evidence.servers[0].collapse_at if evidence.servers else None
    if limit is not None:
        yield Rule(f"tips over above {limit:,}", "cliff", (0.0, limit), (series.at[-1], limit))


def _strips(
    evidence: Evidence, series: Series, gateway: Sequence[GatewaySample]
) -> tuple[tuple[str, Sequence[Span]], ...]:
    server = [(state.at, state.state) for state in evidence.states]
    begin = [(series.origin, "up")] if evidence.servers else []
    strips = (
        ("server", _spans([*begin, *server], series)),
        ("gateway", _spans([(sample.at, sample.state) for sample in gateway], series)),
    )
    return tuple(strip for strip in strips if strip[1])


def _spans(changes: Sequence[tuple[float, str]], series: Series) -> list[Span]:
    """Merge equal neighbours; each state lasts until the next."""
    spans: list[Span] = []
    for at, state in changes:
        start = at - series.origin
        if spans and spans[-1].css == f"is-{state}":
            continue
        if spans:
            spans[-1] = replace(spans[-1], end=start)
        spans.append(Span(start, series.at[-1], state.replace("_", " "), f"is-{state}"))
    return spans


def _latency(frame: Chart, evidence: Evidence, series: Series) -> Chart:
    cases = sorted(evidence.cases.values(), key=lambda case: case.due)
    answers = [(case, case.answered_at) for case in cases]
    promises = [(case, case.promised_at) for case in cases]
    return replace(
        frame,
        title="How long citizens waited, by the moment they came",
        unit="waited",
        log=True,
        height=280,
        lines=(
            Line("promise, p95", "promised", _p95(promises, series)),
            Line("final answer, p95", "recorded", _p95(answers, series)),
        ),
        dots=(
            Dots("one promise", "promised", _points(promises, series.origin)),
            Dots("one final answer", "recorded", _points(answers, series.origin)),
            *_never(answers, series.origin),
        ),
    )


Answered = Sequence[tuple[Case, float | None]]


def _points(answered: Answered, origin: float) -> list[tuple[float, float]]:
    return _some([(case.due - origin, at - case.due) for case, at in answered if at is not None])


def _never(answered: Answered, origin: float) -> Iterable[Dots]:
    points = _some([(case.due - origin, math.inf) for case, at in answered if at is None])
    if points:
        yield Dots("never answered", "never", points)


def _some(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Evenly thinned out: more dots than pixels help nobody."""
    return points[:: max(1, math.ceil(len(points) / MOST_DOTS))]


def _p95(answered: Answered, series: Series) -> Values:
    """Per step of the due time; a step with an enrollment that waited for ever has a gap there."""
    steps: list[list[float]] = [[] for _ in series.at]
    for case, at in answered:
        step = max(0, min(int((case.due - series.origin) / series.width), len(steps) - 1))
        steps[step].append(math.inf if at is None else at - case.due)
    values = (percentile(sorted(step), 0.95) if step else None for step in steps)
    return tuple(None if value == math.inf else value for value in values)
