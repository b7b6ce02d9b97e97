"""`status`, `queue`, `pause`, `resume`, `healthcheck` against a real admin listener."""

import json
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.core.lifecycle import Status
from tests.cli.conftest import NIK, TOKEN, Lab


def test_status_tells_server_window_counts_rate_and_when_it_will_be_empty(lab: Lab) -> None:
    lab.keep()
    lab.keep(Status.DEAD_LETTER)
    found = lab.type("status")
    assert found.exit_code == 0, found.output
    assert "server steady since" in found.stdout
    assert "3 of 8 outstanding (1 of them without an answer)" in found.stdout
    assert re.search(r"oldest undelivered +2 h", found.stdout)
    assert re.search(r"drain rate +4\.0 /s", found.stdout)
    assert re.search(r"empty in +30 s, at 2", found.stdout)
    assert re.search(r"pending.*dead_letter", found.stdout)
    assert re.search(r"window +6 → 8 +back from the probe", found.stdout)
    assert re.search(r"state +slow_start → steady +as high as is remembered", found.stdout)


def test_status_as_json_is_the_document_of_the_api(lab: Lab) -> None:
    lab.keep()
    document = json.loads(lab.type("status", "--json").stdout)
    assert document["upstream"]["window"] == 8
    assert document["enrollments"]["pending"] == 1


def test_watching_shows_it_anew_and_waits_for_a_gateway_that_restarts(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def look_away(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", look_away)
    found = lab.type("status", "--watch", "--interval", "0.5")
    assert found.exit_code == 0, found.output
    assert looks == [0.5, 0.5, 0.5]
    assert "server steady" in found.stdout
    looks.clear()
    gone = CliRunner().invoke(
        app,
        ["status", "--watch", "--admin", "http://127.0.0.1:1"],
        env={"ENROLLMENT_GATEWAY_ADMIN_TOKEN": TOKEN},
    )
    assert gone.exit_code == 0
    assert "No answer from the admin listener" in gone.stdout


def test_a_pause_is_shown_with_its_reason_until_it_ends(lab: Lab) -> None:
    assert "resume" in lab.type("pause", "--reason", "the server is being moved").stdout
    assert lab.control.paused == "the server is being moved"
    assert "the server is being moved" in lab.type("status").stdout
    assert "the server is steady" in lab.type("resume").stdout
    assert lab.control.paused is None


def test_the_queue_is_listed_with_whole_ids(lab: Lab) -> None:
    first, second = lab.keep(station="balaraja-1"), lab.keep(Status.DEAD_LETTER)
    found = lab.type("queue", "list")
    assert found.exit_code == 0, found.output
    assert first in found.stdout
    assert second in found.stdout
    assert "balaraja-1" in found.stdout
    assert "600.0 kB" in found.stdout


def test_the_queue_is_filtered_by_status_and_age(lab: Lab) -> None:
    lab.keep()
    dead = lab.keep(Status.DEAD_LETTER)
    listed = json.loads(lab.type("queue", "list", "--status", "dead_letter", "--json").stdout)
    assert [item["id"] for item in listed["items"]] == [dead]
    assert lab.type("queue", "list", "--older-than", "1d").stdout == "none\n"


def test_undelivered_are_those_the_server_does_not_have(lab: Lab) -> None:
    waiting, dead = lab.keep(), lab.keep(Status.DEAD_LETTER)
    lab.keep(Status.CANCELLED)
    listed = json.loads(lab.type("queue", "undelivered", "--json").stdout)
    assert {item["id"] for item in listed["items"]} == {waiting, dead}


def test_a_long_queue_is_paged_up_to_the_limit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.queue.PAGE", 2)
    kept = [lab.keep() for _ in range(5)]
    listed = json.loads(lab.type("queue", "list", "--limit", "3", "--json").stdout)
    assert [item["id"] for item in listed["items"]] == kept[:3]
    assert listed["next_cursor"] == kept[2]
    assert "more than these 3" in lab.type("queue", "list", "--limit", "3").stdout
    everything = json.loads(lab.type("queue", "list", "--json").stdout)
    assert [item["id"] for item in everything["items"]] == kept


def test_one_enrollment_is_shown_without_its_body(lab: Lab) -> None:
    kept = lab.keep(Status.DEAD_LETTER)
    found = lab.type("queue", "show", kept)
    assert re.search(r"reason +too-old", found.stdout)
    assert "secret packet" not in found.stdout
    assert json.loads(lab.type("queue", "show", kept, "--json").stdout)["status"] == "dead_letter"


def test_dead_letters_are_requeued_by_id_or_all_together(lab: Lab) -> None:
    one = lab.keep(Status.DEAD_LETTER)
    assert lab.type("queue", "requeue", one).stdout == f"{one} pending\n"
    for _ in range(3):
        lab.keep(Status.DEAD_LETTER)
    found = lab.type("queue", "requeue", "--status", "dead_letter", "--older-than", "1h")
    assert found.stdout == "3 requeued\n"


def test_one_refusal_does_not_stop_the_other_orders_but_fails_the_command(lab: Lab) -> None:
    waiting, dead = lab.keep(), lab.keep(Status.DEAD_LETTER)
    found = lab.type("queue", "requeue", waiting, dead)
    assert found.exit_code == 1
    assert f"{waiting} Refused (409)" in found.stdout
    assert f"{dead} pending" in found.stdout


def test_what_waits_can_be_cancelled(lab: Lab) -> None:
    kept = lab.keep()
    assert lab.type("queue", "cancel", kept).stdout == f"{kept} cancelled\n"
    assert lab.type("queue", "cancel", kept).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "requeue"),
        ("queue", "requeue", "an-id", "--status", "dead_letter"),
        ("queue", "requeue", "an-id", "--older-than", "1h"),
        ("queue", "list", "--status", "lost"),
        ("queue", "list", "--limit", "0"),
        ("status", "--admin", "127.0.0.1:9090"),
        ("nonsense",),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


def test_an_unknown_enrollment_is_told_and_a_number_of_16_digits_is_not_repeated(lab: Lab) -> None:
    found = lab.type("queue", "cancel", NIK)
    assert found.exit_code == 1
    assert "No enrollment has this id" in found.output
    assert NIK not in found.output


def test_a_number_of_16_digits_is_never_printed(lab: Lab) -> None:
    kept = lab.keep(station=NIK)
    lab.type("pause", "--reason", f"because of {NIK}")
    for words in (("status",), ("status", "--json"), ("queue", "list"), ("queue", "show", kept)):
        output = lab.type(*words).output
        assert NIK not in output
        assert "[16 digits]" in output


def test_a_wrong_token_is_told_with_the_way_to_the_right_one(lab: Lab) -> None:
    found = lab.type("status", token="not-the-right-token")
    assert found.exit_code == 1
    assert "ENROLLMENT_GATEWAY_ADMIN_TOKEN" in found.stderr
    assert "not-the-right-token" not in found.output


def test_the_token_is_found_in_a_given_file_or_beside_the_journal(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENROLLMENT_GATEWAY_ADMIN_TOKEN", raising=False)
    words = ["queue", "list", "--admin", lab.url]
    missing = CliRunner().invoke(app, words)
    assert missing.exit_code == 1
    assert "enrollment-journal.db.admin-token cannot be read" in missing.stderr
    Path("enrollment-journal.db.admin-token").write_text(f"{TOKEN}\n")
    assert CliRunner().invoke(app, words).exit_code == 0
    other = Path("other")
    other.write_text("something else entirely")
    assert CliRunner().invoke(app, [*words, "--token-file", str(other)]).exit_code == 1


def test_the_listener_is_that_of_the_configuration_unless_told_otherwise(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f"[admin]\nlisten = '{lab.url.removeprefix('http://')}'\n")
    assert CliRunner().invoke(app, ["healthcheck", "--config", str(file)]).stdout == "ready\n"


def test_a_gateway_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENROLLMENT_GATEWAY_ADMIN_TOKEN", TOKEN)
    found = CliRunner().invoke(app, ["status", "--admin", "http://127.0.0.1:1"])
    assert found.exit_code == 1
    assert "No answer from the admin listener at http://127.0.0.1:1: Connection refused" in (
        found.stderr
    )


def test_health_is_the_exit_code_and_needs_no_token(lab: Lab) -> None:
    assert lab.type("healthcheck", token="").exit_code == 0
    lab.ready = False
    found = lab.type("healthcheck")
    assert found.exit_code == 1
    assert "not ready (503)" in found.stderr
