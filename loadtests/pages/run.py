"""The report of one run: the verdict first, then figures, pictures, and how to repeat it. Pure."""

import math
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from loadtests.evidence import Case, Evidence
from loadtests.meanings import MEANINGS
from loadtests.measures import percentile
from loadtests.pages import html
from loadtests.pages.html import Cell, number
from loadtests.pages.pictures import Pictures
from loadtests.pages.plot import draw
from loadtests.pages.turns import turns_part
from loadtests.stations import KECAMATAN
from loadtests.targets import Check, duration, say
from loadtests.turns import Turn
from loadtests.verdict import HARMED, PASSED, Verdict

TIMES = frozenset({"outage_seconds", "drain_seconds", "sent_late_p99"})
OWN_PARTS = frozenset({"name", "title", "prose", "targets"})
"""Parts of a scenario with a place of their own on the page."""


def run_page(
    verdict: Verdict,
    evidence: Evidence,
    drawn: Pictures,
    environment: Mapping[str, object],
    turns: Sequence[Turn] = (),
) -> str:
    """The whole page; it fetches nothing."""
    scenario = evidence.runs[0].scenario if evidence.runs else {}
    body = html.fill(
        "report.html",
        name=escape(verdict.scenario),
        via=escape(verdict.via),
        when=_when(evidence),
        mood=mood(verdict),
        sentence=escape(verdict.sentence),
        tiles=html.tiles(_tiles(verdict)),
        targets=_targets(verdict),
        findings=_findings(verdict),
        plots="".join(draw(chart) for chart in drawn.whole_page()),
        turns=turns_part(turns, evidence),
        kecamatan=_kecamatan(evidence),
        prose=escape(str(scenario.get("prose", ""))),
        parameters=html.pairs(_parameters(verdict, scenario)),
        environment=html.pairs(environment) if environment else "<p>Not noted.</p>",
        repeat=escape(_repeat(verdict)),
        measures=_measures(verdict),
    )
    return html.page(f"{verdict.scenario} via {verdict.via}", body)


def mood(verdict: Verdict) -> str:
    """The colour of a verdict: good, bad, or in doubt (invalid, or a target missed)."""
    if verdict.exit_code == PASSED:
        return "good"
    return "bad" if verdict.exit_code == HARMED else "doubt"


def figure(name: str, value: float | None) -> str:
    """A measure's value with its unit."""
    if value is None:
        return say(value)
    if math.isinf(value):
        return "never"
    if name in TIMES or name.startswith(("answer_p", "answer_m", "promise_")):
        return duration(value)
    if name == "answered_in_time":
        return f"{value:.1%}"
    if name.endswith("_share"):
        return f"{value:.2%}"
    return f"{value:.2f}" if name.endswith("_ratio") else say(value)


def _when(evidence: Evidence) -> str:
    if not evidence.runs:
        return "never started"
    started = datetime.fromtimestamp(evidence.runs[0].started_at, UTC)
    return f"{started:%d %B %Y, %H:%M:%S} UTC"


def _tiles(verdict: Verdict) -> dict[str, tuple[str, bool]]:
    missed = {check.target.measure for check in verdict.checks if not check.passed}
    shown = {
        "arrivals": "enrollments",
        "lost": "lost",
        "doubled": "recorded twice",
        "invented": "invented",
        "altered": "altered",
        "retips": "times tipped over again",
        "promise_p99": "99 % promised within",
        "drain_ratio": "recovery, ideal is 1",
    }
    return {
        label: (figure(name, verdict.measures[name]), name in missed)
        for name, label in shown.items()
    }


def _targets(verdict: Verdict) -> str:
    head = ("", "measure", "what it counts", Cell("measured", "number"), Cell("wanted", "number"))
    return html.table(head, [_target(check) for check in verdict.checks])


def _target(check: Check) -> tuple[Cell | str, ...]:
    name, word = check.target.measure, "passed" if check.passed else "missed"
    measured = number(figure(name, check.value), bad=not check.passed)
    return (Cell(word, word), name, MEANINGS[name], measured, number(str(check.target)))


def _findings(verdict: Verdict) -> str:
    """Why the run proves nothing, and the enrollments that were harmed, a few by key."""
    parts: list[str] = []
    if verdict.invalid:
        parts.append(f"<h2>Why this run is invalid</h2>{html.bullets(verdict.invalid)}")
    found = [finding for finding in verdict.findings if finding.count]
    if found:
        parts.append("<h2>What went wrong, by key</h2>")
    parts += [
        f"<p><b>{finding.count:,} {finding.kind.replace('_', ' ')}</b>:"
        f" {escape(finding.meaning)}</p>{html.bullets(finding.examples)}"
        for finding in found
    ]
    return "".join(parts) + (html.bullets(verdict.notes) if verdict.notes else "")


def _kecamatan(evidence: Evidence) -> str:
    places: defaultdict[str, list[Case]] = defaultdict(list)
    for case in evidence.cases.values():
        places[_place(case.station)].append(case)
    columns = (
        "came", "recorded", "lost", "recorded twice", "promised within, median", "99 %",
        "final answer, median", "99 %",
    )  # fmt: skip
    head = [Cell("kecamatan"), *(Cell(column, "number") for column in columns)]
    return html.table(head, [(name, *_row(places[name])) for name in sorted(places)])


def _place(station: str) -> str:
    """The kecamatan of a station named like `36.03.12-1`; else the station itself."""
    code = station.partition("-")[0].rpartition(".")[2]
    return f"{code} {KECAMATAN[code]}" if code in KECAMATAN else station


def _row(cases: list[Case]) -> list[Cell]:
    lost = sum(not case.effects for case in cases)
    doubled = sum(case.effects > 1 for case in cases)
    waits = [
        sorted(math.inf if at is None else at - case.due for case, at in answers)
        for answers in (
            [(case, case.promised_at) for case in cases],
            [(case, case.answered_at) for case in cases],
        )
    ]
    return [
        number(f"{len(cases):,}"),
        number(f"{len(cases) - lost:,}"),
        number(f"{lost:,}", bad=lost > 0),
        number(f"{doubled:,}", bad=doubled > 0),
        *(number(_wait(percentile(wait, share))) for wait in waits for share in (0.5, 0.99)),
    ]


def _wait(seconds: float) -> str:
    return "never" if math.isinf(seconds) else duration(seconds)


def _parameters(verdict: Verdict, scenario: Mapping[str, object]) -> dict[str, object]:
    own = {name: value for name, value in scenario.items() if name not in OWN_PARTS}
    return {"via": verdict.via, "seed": verdict.seed, "scale": verdict.scale, **own}


def _repeat(verdict: Verdict) -> str:
    command = ["python", "-m", "loadtests", "run", verdict.scenario, "--via", verdict.via]
    command += ["--scale", f"{verdict.scale:g}", "--seed", str(verdict.seed)]
    return f"{shlex.join(command)}\npython -m loadtests verify ."


def _measures(verdict: Verdict) -> str:
    return html.table(
        ("measure", "what it counts", Cell("measured", "number")),
        [
            (name, meaning, number(figure(name, verdict.measures[name])))
            for name, meaning in MEANINGS.items()
        ],
    )
