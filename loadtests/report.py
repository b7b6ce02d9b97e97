"""A judged run as files: `verdict.json`, `junit.xml`, `series.csv` and one offline `report.html`.

The only part of the judgement that writes. It adds nothing to the verdict: `gateway.jsonl`,
`gateway.log` and `environment.json` are drawn and shown where they exist, and never weighed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.evidence import Evidence
from loadtests.junit import to_junit
from loadtests.logs import GatewaySample, read_gateway
from loadtests.pages.comparison import Compared, comparison_page
from loadtests.pages.markdown import comparison_markdown
from loadtests.pages.pictures import Pictures, pictures
from loadtests.pages.run import run_page
from loadtests.series import as_csv, over_time
from loadtests.turns import Turn, read_turns
from loadtests.verdict import Verdict, decide, examine


def verify(directory: Path) -> Verdict:
    """Judge the run in `directory` and write its report beside the two logs.

    Raises:
        TargetError: the scenario has a target that names no measure.
    """
    evidence, unreadable = examine(directory)
    verdict = decide(evidence, unreadable)
    write(directory, verdict, evidence)
    return verdict


def write(directory: Path, verdict: Verdict, evidence: Evidence | None = None) -> None:
    """Write the four files; without `evidence` the logs are read again."""
    evidence = evidence or examine(directory)[0]
    gateway = _gateway(directory)
    drawn = pictures(evidence, verdict.drains, gateway)
    texts = {
        "verdict.json": json.dumps(verdict.to_dict(), indent=2, allow_nan=False) + "\n",
        "junit.xml": to_junit(verdict),
        "series.csv": as_csv(over_time(evidence, gateway, width=1.0)),
        "report.html": run_page(
            verdict, evidence, drawn, _environment(directory), _turns(directory)
        ),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


def compare(directories: Sequence[Path], page: Path) -> tuple[tuple[Verdict, ...], ...]:
    """Judge several runs of one scenario and draw them side by side into the file `page`.

    The same figures stand beside it as a Markdown table, with the suffix `.md`. Runs of one way
    belong together; they differ in their seed. The verdicts are by way, then seed.
    """
    ways: dict[str, list[Verdict]] = {}
    drawn: dict[str, Pictures] = {}
    for directory in directories:
        evidence, unreadable = examine(directory)
        verdict = decide(evidence, unreadable)
        ways.setdefault(verdict.via, []).append(verdict)
        if verdict.via not in drawn:
            drawn[verdict.via] = pictures(evidence, verdict.drains, _gateway(directory))
    compared = [Compared(verdicts, drawn[via]) for via, verdicts in ways.items()]
    page.write_text(comparison_page(compared), encoding="utf-8")
    page.with_suffix(".md").write_text(comparison_markdown(compared), encoding="utf-8")
    return tuple(tuple(verdicts) for verdicts in ways.values())


def _gateway(directory: Path) -> tuple[GatewaySample, ...]:
    """The gateway's own samples; a line that cannot be read is not drawn."""
    path = directory / "gateway.jsonl"
    return tuple(read_gateway(path, lambda _: None)) if path.exists() else ()


def _turns(directory: Path) -> tuple[Turn, ...]:
    path = directory / "gateway.log"
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", errors="replace") as lines:
        return read_turns(lines)


def _environment(directory: Path) -> Mapping[str, object]:
    path = directory / "environment.json"
    data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data if isinstance(data, dict) else {}
