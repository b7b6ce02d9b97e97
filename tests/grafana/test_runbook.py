"""The runbook: a section for each alert, and only commands that exist."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from gateway.cli.app import app
from tests.grafana.test_rules import ALERTS
from tests.grafana.tools import ROOT, need

TEXT = (ROOT / "runbook.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
PARTS = ("For citizens", "Look at", "Type", "Call")
OURS = "enrollment-gateway"
AN_ID = "0197a000-0000-7000-8000-000000000000"
ASKED = {"http://127.0.0.1:9090/readyz", "http://127.0.0.1:9093/-/ready"}
USAGE_ERROR = typer.BadParameter.__mro__[1]  # typer exports the child only
PACKAGES = {
    "systemctl": "systemd",
    "journalctl": "systemd",
    "timedatectl": "systemd",
    "curl": "curl",
    "df": "coreutils",
    "du": "coreutils",
    "date": "coreutils",
    "openssl": "openssl",
    "amtool": "prometheus-alertmanager",
}


def commands() -> Iterator[str]:
    """Every line of the blocks, and every command of ours in the prose."""
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(rf"`({OURS} [^`]+)`", TEXT)


def test_each_alert_has_its_section_and_no_section_is_left_over() -> None:
    assert set(SECTIONS) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_each_link_leads_to_its_section(name: str) -> None:
    url = ALERTS[name]["annotations"]["runbook_url"]
    assert url == f"{{{{ $externalURL }}}}/user/runbook.md#{name.lower()}"


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_tells_the_four_things_in_order(name: str) -> None:
    assert re.findall(r"^\*\*(.+?)\*\*:", SECTIONS[name], re.MULTILINE) == [*PARTS]
    assert "```sh\n" in SECTIONS[name]


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_every_command_exists(line: str) -> None:
    program, *words = shlex.split(line)
    if program == OURS:
        _parse(typer.main.get_command(app), words)
    else:
        need(program, PACKAGES[program])
    assert {word for word in words if word.startswith("http")} <= ASKED


def test_a_command_that_does_not_exist_is_found() -> None:
    for wrong in ("queue lost", "status --wach", "queue list --status lost"):
        with pytest.raises(USAGE_ERROR):
            _parse(typer.main.get_command(app), wrong.split())


def _parse(command: Any, words: list[str]) -> None:  # noqa: ANN401 - typer's own click
    """Let the real parser take the words, and run nothing."""
    if hasattr(command, "resolve_command"):
        context = command.make_context(OURS, [*words])
        _, chosen, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        _parse(chosen, rest)
    else:
        asks = any(p.required and p.param_type_name == "argument" for p in command.params)
        needs_id = asks and not words  # the prose says: with its id
        command.make_context(OURS, [AN_ID] if needs_id else [*words])
