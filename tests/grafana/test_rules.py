"""Rules and routes: checked by Prometheus' and Alertmanager's own tools."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.tools import ROOT, need, run

PROMETHEUS = ROOT / "prometheus"
ROUTES = "alertmanager/alertmanager.yml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((PROMETHEUS / "rules/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
NEVER_SILENT = {"EnrollmentGatewayWatchdog"}
RECEIVERS = {"page": "pager", "ticket": "tickets", "info": "chat"}

each_alert = pytest.mark.parametrize("name", ALERTS)


def test_promtool_finds_nothing_to_say_of_the_rules() -> None:
    run(need("promtool", "prometheus"), "check", "rules", "--lint=all", *_rules())


@pytest.mark.parametrize("name", ["prometheus.yml", "lab.yml"])
def test_prometheus_takes_its_configuration(name: str) -> None:
    run(need("promtool", "prometheus"), "check", "config", name, cwd=PROMETHEUS)


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_stay_silent_and_clear_as_described(file: Path) -> None:
    run(need("promtool", "prometheus"), "test", "rules", file.name, cwd=file.parent)


@each_alert
def test_an_alert_is_tried_firing_silent_before_and_cleared_after(name: str) -> None:
    fires = silent = clears = False
    for file in TESTS:
        for case in yaml.safe_load(file.read_text())["tests"]:
            checks = [c for c in case["alert_rule_test"] if c["alertname"] == name]
            told = [bool(check.get("exp_alerts")) for check in checks]
            fires |= any(told)
            silent |= told[:1] == [False]
            clears |= any(before and not after for before, after in pairwise(told))
    assert fires
    assert name in NEVER_SILENT or (silent and clears)


@each_alert
def test_an_alert_says_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert name.startswith("EnrollmentGateway")
    assert alert["labels"]["severity"] in RECEIVERS
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["summary"].endswith(".")
    # Two evaluations at least, so that one missed scrape calls nobody.
    assert "for" in alert or name in NEVER_SILENT


def test_amtool_takes_the_routes() -> None:
    run(need("amtool", "prometheus-alertmanager"), "check-config", ROUTES)


@each_alert
def test_an_alert_reaches_whom_its_severity_needs(name: str) -> None:
    severity = ALERTS[name]["labels"]["severity"]
    wanted = "dead-man" if name in NEVER_SILENT else RECEIVERS[severity]
    assert _reaches(f"alertname={name}", f"severity={severity}") == wanted


def test_an_alert_of_a_severity_that_nobody_knows_becomes_a_ticket() -> None:
    assert _reaches("alertname=Foreign") == "tickets"


def test_what_is_held_back_and_what_holds_it_back_are_alerts_that_exist() -> None:
    rules = yaml.safe_load((ROOT / ROUTES).read_text())["inhibit_rules"]
    for rule in rules:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            value = matcher.split("=", 1)[1].strip('~"')
            stem, _, among = value.partition("(")
            for end in among.rstrip(")").split("|"):
                found = [a for a in ALERTS if a.startswith((stem + end).removesuffix(".+"))]
                assert found, matcher


def _rules() -> list[str]:
    return [str(path) for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]


def _reaches(*labels: str) -> str:
    amtool = need("amtool", "prometheus-alertmanager")
    told = run(amtool, "config", "routes", "test", f"--config.file={ROUTES}", *labels)
    return told.split("Warning")[0].split("\n")[0].strip()
