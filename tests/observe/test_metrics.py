"""The catalogue: names are those of the public interface, facts move the right series."""

import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gateway.core import facts
from gateway.core.admission import Outlook
from gateway.core.facts import RequestOutcome, UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.outcome import Outcome
from gateway.observe.metrics import Metrics
from gateway.observe.series.journal import JournalLevels

RECEIPT = "0197a000-0000-7000-8000-000000000000"
ACCEPTED_AT = 0x0197A0000000 / 1000
SHA256 = "0123456789abcdef" * 4

INTERFACE = {
    "requests_total": ("counter", {"method", "outcome"}),
    "request_duration_seconds": ("histogram", {"outcome"}),
    "accept_duration_seconds": ("histogram", set()),
    "journal_commit_duration_seconds": ("histogram", set()),
    "journal_commit_records": ("histogram", set()),
    "enrollments": ("gauge", {"status"}),
    "oldest_undelivered_age_seconds": ("gauge", set()),
    "journal_bytes": ("gauge", set()),
    "journal_limit_bytes": ("gauge", set()),
    "journal_free_bytes": ("gauge", set()),
    "attempts_total": ("counter", {"outcome"}),
    "attempt_duration_seconds": ("histogram", {"outcome"}),
    "window": ("gauge", set()),
    "outstanding": ("gauge", set()),
    "upstream_state": ("gauge", {"state"}),
    "upstream_transitions_total": ("counter", {"from_state", "to_state"}),
    "drain_seconds_estimate": ("gauge", set()),
    "duplicates_absorbed_total": ("counter", set()),
    "in_doubt_resolved_total": ("counter", {"by"}),
    "dead_letters_total": ("counter", {"reason"}),
    "event_loop_lag_seconds": ("histogram", set()),
    "build_info": ("gauge", {"version"}),
    "config_info": ("gauge", {"sha256"}),
}

ADDED = {
    "delivery_duration_seconds",
    "journal_min_free_bytes",
    "ready",
    "clock_timestamp_seconds",
    "certificate_expiry_timestamp_seconds",
    "delivering",
    "trace_spans_total",
}


class StillClock:
    """A clock that somebody else moves."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def make() -> Metrics:
    return Metrics(version="1.2.3", config_sha256=SHA256, clock=StillClock(ACCEPTED_AT + 59.0))


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(f"enrollment_gateway_{name}", labels)
    assert found is not None, f"{name}{labels} is not exposed"
    return found


Parse = Callable[[str], Iterable[Metric]]


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [
        ("", "text/plain", text_string_to_metric_families),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text",
            openmetrics.text_string_to_metric_families,
        ),
    ],
)
def test_every_name_of_the_interface_is_there_from_the_start(
    accept: str, content_type: str, parse: Parse
) -> None:
    page, answered_type = make().render(accept)
    assert answered_type.startswith(content_type)
    seen = {}
    for family in parse(page.decode()):
        suffix = "_total" if family.type == "counter" else ""
        labels = {label for sample in family.samples for label in sample.labels}
        seen[family.name.removeprefix("enrollment_gateway_") + suffix] = (
            family.type,
            labels - {"le"},
        )
    assert {name: seen.get(name) for name in INTERFACE} == INTERFACE
    assert set(seen) - set(INTERFACE) == ADDED


def test_known_series_start_at_zero_and_nothing_is_said_of_creation_times() -> None:
    metrics = make()
    assert value(metrics, "requests_total", method="other", outcome="refused") == 0
    assert value(metrics, "attempts_total", outcome="in_doubt") == 0
    assert value(metrics, "dead_letters_total", reason="too-old") == 0
    assert value(metrics, "in_doubt_resolved_total", by="operator") == 0
    assert (
        value(metrics, "upstream_transitions_total", from_state="open", to_state="slow_start") == 0
    )
    assert b"_created" not in metrics.render("")[0]


@pytest.mark.parametrize("edge", ["0.25", "1.0", "10.0", "300.0", "600.0", "3600.0"])
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("request_duration_seconds", {"outcome": "answered"}),
        ("accept_duration_seconds", {}),
        ("attempt_duration_seconds", {"outcome": "delivered"}),
        ("delivery_duration_seconds", {}),
    ],
)
def test_buckets_hold_the_edges_of_the_objectives(
    name: str, labels: dict[str, str], edge: str
) -> None:
    assert value(make(), f"{name}_bucket", le=edge, **labels) == 0


@pytest.mark.parametrize(
    ("fact", "name", "labels"),
    [
        (
            facts.RequestFinished("POST", RequestOutcome.ACCEPTED, 202, 0.2, "desk"),
            "requests_total",
            {"method": "POST", "outcome": "accepted"},
        ),
        (
            facts.RequestFinished("BREW", RequestOutcome.REFUSED, 400, 0.2, "desk"),
            "requests_total",
            {"method": "other", "outcome": "refused"},
        ),
        (
            facts.RequestFinished("POST", RequestOutcome.ANSWERED, 201, 0.2, "desk"),
            "request_duration_seconds_bucket",
            {"outcome": "answered", "le": "0.25"},
        ),
        (
            facts.EnrollmentAccepted(RECEIPT, "desk", 9, Status.PENDING, 0.2),
            "accept_duration_seconds_bucket",
            {"le": "0.25"},
        ),
        (facts.JournalCommitted(8, 0.004), "journal_commit_records_bucket", {"le": "8.0"}),
        (
            facts.JournalCommitted(8, 0.004),
            "journal_commit_duration_seconds_bucket",
            {"le": "0.005"},
        ),
        (facts.DuplicateAbsorbed(RECEIPT), "duplicates_absorbed_total", {}),
        (
            facts.AttemptFinished(RECEIPT, 1, Outcome.NOT_SENT, "dns", 2.0),
            "attempts_total",
            {"outcome": "not_sent"},
        ),
        (
            facts.AttemptFinished(RECEIPT, 1, Outcome.REFUSED, "http-503", 2.0),
            "attempt_duration_seconds_bucket",
            {"outcome": "refused", "le": "2.5"},
        ),
        (
            facts.EnrollmentSettled(RECEIPT, Status.DELIVERED, "http-201"),
            "delivery_duration_seconds_bucket",
            {"le": "60.0"},
        ),
        (
            facts.EnrollmentSettled(RECEIPT, Status.DEAD_LETTER, "too-old"),
            "dead_letters_total",
            {"reason": "too-old"},
        ),
        (
            facts.EnrollmentSettled(RECEIPT, Status.DEAD_LETTER, "3603011212900000"),
            "dead_letters_total",
            {"reason": "other"},
        ),
        (facts.DoubtResolved(RECEIPT, "lookup"), "in_doubt_resolved_total", {"by": "lookup"}),
        (
            facts.UpstreamStateChanged(UpstreamState.STEADY, UpstreamState.OPEN, "trip"),
            "upstream_transitions_total",
            {"from_state": "steady", "to_state": "open"},
        ),
    ],
)
def test_a_fact_moves_its_series_by_one(
    fact: facts.Fact, name: str, labels: dict[str, str]
) -> None:
    metrics = make()
    assert value(metrics, name, **labels) == 0
    metrics.on_fact(fact)
    assert value(metrics, name, **labels) == 1


@pytest.mark.parametrize(
    "fact",
    [
        facts.AttemptStarted(RECEIPT, 1),
        facts.EnrollmentSettled(RECEIPT, Status.PENDING, "http-503", None, 1.0),
        facts.WindowChanged(2, 4, "linear"),
        facts.CliffLearned(80),
        facts.JournalRecovered(3),
        facts.OperatorActed(1, "abcp" * 16, "siti (127.0.0.1)", "pause", "upstream"),
        facts.TurnChanged(mine=True, epoch=7, holder="desk/0a1b2c3d"),
    ],
)
def test_a_fact_that_is_no_metric_moves_nothing(fact: facts.Fact) -> None:
    metrics = make()
    before = metrics.render("")
    metrics.on_fact(fact)
    assert metrics.render("") == before


def test_levels_of_delivery_are_those_of_the_outlook() -> None:
    metrics = make()
    metrics.delivery.set_outlook(Outlook(UpstreamState.STEADY, 50, 41, 200, 3, 10.0))
    assert value(metrics, "window") == 50
    assert value(metrics, "outstanding") == 41
    assert value(metrics, "drain_seconds_estimate") == 20
    assert {state: value(metrics, "upstream_state", state=state) for state in UpstreamState} == {
        "open": 0,
        "slow_start": 0,
        "steady": 1,
        "paused": 0,
    }
    metrics.delivery.set_outlook(Outlook(UpstreamState.OPEN, 1, 1, 200, 3, 0.0, 2.0))
    assert value(metrics, "upstream_state", state="steady") == 0
    assert math.isnan(value(metrics, "drain_seconds_estimate"))


def test_levels_of_the_journal_show_all_seven_statuses_and_never_stand_when_unknown() -> None:
    metrics = make()
    metrics.journal.set_levels(JournalLevels({Status.PENDING: 7}, 12.5, 100, 1000, 500, 50))
    assert [value(metrics, "enrollments", status=status) for status in Status] == [
        7,
        *[0] * 6,
    ]
    assert value(metrics, "oldest_undelivered_age_seconds") == 12.5
    assert value(metrics, "journal_bytes") == 100
    assert value(metrics, "journal_limit_bytes") == 1000
    assert value(metrics, "journal_free_bytes") == 500
    assert value(metrics, "journal_min_free_bytes") == 50
    metrics.journal.set_levels(None)
    assert math.isnan(value(metrics, "enrollments", status="pending"))
    assert math.isnan(value(metrics, "oldest_undelivered_age_seconds"))


def test_what_runs_is_told_without_a_label_that_could_hold_16_digits() -> None:
    metrics = make()
    assert value(metrics, "build_info", version="1.2.3") == 1
    assert value(metrics, "config_info", sha256=SHA256[:12]) == 1


def test_what_a_person_must_watch_besides_the_gateway_is_told() -> None:
    metrics = make()
    metrics.process.certificate("intake.tls_certificate", 2_000_000_000.0)
    metrics.journal.set_ready(ready=True)
    metrics.render("")
    assert value(metrics, "clock_timestamp_seconds") == ACCEPTED_AT + 59.0
    expiry = "certificate_expiry_timestamp_seconds"
    assert value(metrics, expiry, file="intake.tls_certificate") == 2_000_000_000.0
    assert value(metrics, "ready") == 1
    metrics.journal.set_ready(ready=False)
    assert value(metrics, "ready") == 0


def test_a_bucket_leads_to_a_trace_that_is_in_it() -> None:
    metrics = make()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metrics.on_fact(facts.EnrollmentAccepted(RECEIPT, "desk", 9, Status.PENDING, 0.2, trace))
    metrics.on_fact(facts.AttemptFinished(RECEIPT, 1, Outcome.DELIVERED, "http-201", 2.0, trace))
    settled = facts.EnrollmentSettled(RECEIPT, Status.DELIVERED, "http-201", trace_id=trace)
    metrics.on_fact(settled)
    page, _ = metrics.render("application/openmetrics-text; version=1.0.0")
    parse: Parse = openmetrics.text_string_to_metric_families
    seen = {
        (sample.name.removeprefix("enrollment_gateway_"), sample.labels["le"]): sample.exemplar
        for family in parse(page.decode())
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert {place: (one.labels, one.value) for place, one in seen.items()} == {
        ("accept_duration_seconds_bucket", "0.25"): ({"trace_id": trace}, 0.2),
        ("attempt_duration_seconds_bucket", "2.5"): ({"trace_id": trace}, 2.0),
        ("delivery_duration_seconds_bucket", "60.0"): ({"trace_id": trace}, 59.0),
    }
    assert b"trace_id" not in metrics.render("")[0]


def test_spans_are_counted_by_what_became_of_them() -> None:
    metrics = make()
    metrics.process.spans("dropped", 3)
    assert value(metrics, "trace_spans_total", outcome="dropped") == 3
    assert value(metrics, "trace_spans_total", outcome="exported") == 0


def test_lag_is_counted() -> None:
    metrics = make()
    metrics.process.event_loop_lag(0.02)
    assert value(metrics, "event_loop_lag_seconds_bucket", le="0.025") == 1


def test_promtool_finds_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("CI") != "true", "CI needs promtool (Debian: apt install prometheus)"
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    metrics = make()
    metrics.journal.set_levels(JournalLevels({}, 0.0, 1, 2, None, 0))
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics.render("")[0],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
