"""Failpoints: orders, every edge, a loud start, and a gateway without them that has none."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.failpoints import NAMES, FailpointFault
from gateway.failpoints.orders import Order, parse
from gateway.failpoints.points import STEPS
from gateway.wiring import FAILPOINTS
from tests.acceptance.processes import ROOT, Gateway

UPSTREAM = "http://127.0.0.1:1"  # nobody is there


def python(code: str) -> str:
    """Run it in a process of its own, where what it puts in place harms no other test."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_orders_are_understood() -> None:
    text = "after-commit=kill@17, before-send=delay:0.5,before-look-up=raise, after-read=delay:1@2"
    assert parse(text) == (
        Order("after-commit", "kill", at=17),
        Order("before-send", "delay", 0.5),
        Order("before-look-up", "raise"),
        Order("after-read", "delay", 1.0, 2),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("after-lunch=kill", "no failpoint 'after-lunch'; there are before-handle"),
        ("commit=kill", "no failpoint"),
        ("", "no failpoint"),
        ("after-commit", "an action is kill, raise or delay:SECONDS"),
        ("after-commit=explode", "an action is"),
        ("after-commit=kill:3", "an action is"),
        ("after-commit=kill@0", "a number from 1 on"),
        ("after-commit=kill@", "a number from 1 on"),
        ("after-commit=delay:soon", "stand seconds"),
        ("after-commit=delay:-1", "stand seconds"),
        ("after-commit=delay:nan", "stand seconds"),
        ("after-commit=kill,after-commit=raise", "each edge takes one order"),
    ],
)
def test_anything_else_is_an_error_that_says_what_is_known(text: str, says: str) -> None:
    with pytest.raises(FailpointFault, match=says):
        parse(text)


PASS_THE_EDGES = """
import asyncio, importlib, functools
from gateway.failpoints import NAMES, arm
from gateway.failpoints.points import STEPS
arm(",".join(f"{name}=raise@1000" for name in NAMES))
for step, place in STEPS.items():
    module = importlib.import_module(place.module)
    function = functools.reduce(getattr, place.name.split("."), module)
    print(step, hasattr(function, "__wrapped__"), asyncio.iscoroutinefunction(function)
        == asyncio.iscoroutinefunction(function.__wrapped__))
"""


def test_every_edge_has_its_place() -> None:
    lines = [line.split() for line in python(PASS_THE_EDGES).splitlines()[-len(STEPS) :]]
    assert lines == [[step, "True", "True"] for step in STEPS]
    assert len(NAMES) == 2 * len(STEPS)


WITHOUT = """
import functools, importlib, sys
import gateway.wiring
gateway.wiring._fail_where_asked()
print("gateway.failpoints" in sys.modules)
from gateway.failpoints.points import STEPS
for step, place in STEPS.items():
    module = importlib.import_module(place.module)
    print(step, hasattr(functools.reduce(getattr, place.name.split("."), module), "__wrapped__"))
"""


def test_off_they_are_not_loaded_and_every_function_is_itself() -> None:
    loaded, *lines = python(WITHOUT).splitlines()
    assert loaded == "False"
    assert lines == [f"{step} False" for step in STEPS]


def test_actions_happen_when_they_are_due() -> None:
    code = """
import time
from gateway.failpoints import arm
from gateway.delivery import filling
from gateway.failpoints.orders import FailpointRaised
arm("before-plan=raise@2, after-plan=delay:0.2@1")
def call():
    return filling.plan(free=1, window=1, live_outstanding=0, newest_live=(), backlog=["a"])
began = time.monotonic()
print(call().backlog, time.monotonic() - began >= 0.2)
try:
    call()
except FailpointRaised as raised:
    print(raised)
print(call().backlog)
"""
    lines = python(code).splitlines()
    assert [line for line in lines if "[warning" not in line] == [
        "('a',) True",
        "before-plan",
        "('a',)",
    ]
    assert "before-plan: raise" in lines[-3]


def test_a_gateway_with_failpoints_says_so_loudly(tmp_path: Path) -> None:
    with Gateway(tmp_path, UPSTREAM, environ={FAILPOINTS: "after-send=raise"}) as gateway:
        gateway.start()
        (line,) = [line for line in gateway.running.tail().splitlines() if "failpoints" in line]
        assert '"level": "warning"' in line
        assert "it fails on purpose: after-send=raise" in line
        assert gateway.stop() == 0


def test_an_unknown_failpoint_ends_it_with_78(tmp_path: Path) -> None:
    with Gateway(tmp_path, UPSTREAM, environ={FAILPOINTS: "after-lunch=kill"}) as gateway:
        gateway.launch()
        assert gateway.running.process.wait(30) == 78
        assert f"{FAILPOINTS}: there is no failpoint 'after-lunch'" in gateway.running.tail()
        assert not gateway.journal.exists()
