"""Health and metrics answer without a token, whatever the journal does."""

import asyncio
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.core.facts import UpstreamState
from gateway.core.lifecycle import Status
from tests.admin.office import Office


async def scrape(office: Office) -> dict[str, float]:
    """Each sample without its prefix: ``enrollments{pending}`` -> value."""
    response = await office.client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    samples = {}
    for family in text_string_to_metric_families(await response.text()):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            name = sample.name.removeprefix("enrollment_gateway_")
            samples[f"{name}{{{labels}}}" if labels else name] = sample.value
    return samples


async def test_a_living_process_says_so(office: Office) -> None:
    await office.journal.close()
    response = await office.client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize(("ready", "status"), [((True, "ok"), 200), ((False, "journal-full"), 503)])
async def test_readiness_is_a_status_with_its_reason(
    office: Office, ready: tuple[bool, str], status: int
) -> None:
    office.ready = ready
    response = await office.client.get("/readyz")
    assert response.status == status
    assert await response.json() == {
        "ready": ready[0],
        "reason": ready[1],
        "degraded": False,
        "damage": [],
    }


async def test_what_cannot_be_read_is_told_and_does_not_make_it_unready(office: Office) -> None:
    await office.keep(Status.DEAD_LETTER, reason="unreadable")
    await office.keep(Status.DEAD_LETTER, reason="too-old")
    response = await office.client.get("/readyz")
    told = "1 enrollment cannot be read and is kept as dead letters (reason unreadable)"
    assert response.status == 200
    assert await response.json() == {
        "ready": True,
        "reason": f"degraded: {told}",
        "degraded": True,
        "damage": [told],
    }


async def test_levels_are_those_of_the_moment_of_the_scrape(office: Office) -> None:
    before = await scrape(office)
    assert before["enrollments{pending}"] == 0
    assert before["oldest_undelivered_age_seconds"] == 0
    assert before["drain_seconds_estimate"] == 0
    await office.keep(Status.PENDING)
    await office.keep(Status.DEAD_LETTER)
    office.clock.time += 12.5
    office.control.state, office.control.waiting = UpstreamState.OPEN, 1
    usage = await office.journal.usage()
    after = await scrape(office)
    assert [after[f"enrollments{{{status}}}"] for status in Status] == [1, 0, 0, 0, 0, 1, 0]
    assert after["oldest_undelivered_age_seconds"] == 12.5
    assert after["journal_bytes"] == usage.used
    assert after["journal_limit_bytes"] == float(usage.limit)
    assert math.isnan(after["journal_free_bytes"]) is (usage.free is None)
    assert after["window"] == 50
    assert after["outstanding"] == 7
    assert after["upstream_state{open}"] == 1
    assert after["upstream_state{steady}"] == 0
    assert math.isnan(after["drain_seconds_estimate"])


async def test_openmetrics_is_given_to_who_asks_for_it(office: Office) -> None:
    response = await office.client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert (await response.text()).endswith("# EOF\n")


async def test_a_closed_journal_takes_only_its_own_figures_away(office: Office) -> None:
    await office.keep()
    assert (await scrape(office))["enrollments{pending}"] == 1
    await office.journal.close()
    samples = await scrape(office)
    assert math.isnan(samples["enrollments{pending}"])
    assert samples["window"] == 50


async def test_a_journal_that_hangs_does_not_hang_the_scrape(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.admin.health.JOURNAL_PATIENCE", 0.01)
    monkeypatch.setattr(office.journal, "totals", asyncio.Event().wait)
    assert math.isnan((await scrape(office))["enrollments{pending}"])
