"""The real Prometheus and Alertmanager watch an outage of a minute."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.grafana.live.asking import Prometheus
from tests.grafana.live.judging import Fired, complaints
from tests.grafana.live.stage import JOBS, watched
from tests.grafana.tools import need

SHORT = Path(__file__).parent / "short.toml"


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_question_has_an_answer_and_only_those_alerts_fire_that_should(
    tmp_path: Path,
) -> None:
    need("prometheus", "prometheus")
    need("prometheus-alertmanager", "prometheus-alertmanager")
    with watched(tmp_path, str(SHORT)) as run:
        prometheus = Prometheus.of(run)
        assert complaints([*prometheus.every_answer()]) == []
        assert Fired.during(prometheus, run.told).wrong() == []
        assert _jobs_that_answered(prometheus) == JOBS
        _the_runbook_is_where_alerts_say(run.alertmanager)


def _jobs_that_answered(prometheus: Prometheus) -> set[str]:
    return {labels["job"] for labels, points in prometheus.range("up == 1") if len(points) > 10}


def _the_runbook_is_where_alerts_say(alertmanager: str) -> None:
    alerts = json.loads(_read(f"{alertmanager}/api/v2/alerts"))
    assert alerts
    for alert in alerts:
        page = _read(alert["annotations"]["runbook_url"])
        assert f"## {alert['labels']['alertname']}\n" in page


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - ours, on loopback
        return str(answer.read().decode())
