"""The fuzzers' short form: hypothesis in every run, atheris for some seconds where it is there."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.__main__ import keeping
from tests.fuzz.seeds import SEEDS
from tests.fuzz.wire import Wire

SECONDS = 6
pieces = st.sampled_from(
    [b"/", b".", b"%2e", b"%25", b"%5f", b"gateway/", b"_", b"\\", b"//", b";", b"?", b"http://g"]
)
paths = st.lists(pieces | st.binary(max_size=3), max_size=12).map(b"".join)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> object:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name, seeds in SEEDS.items() for seed in seeds]
)
def test_every_seed_is_answered_without_a_mistake(name: str, seed: bytes) -> None:
    targets.TARGETS[name](seed)


@given(paths)
@settings(max_examples=300, deadline=None)
@pytest.mark.fault(
    35,
    did="paths of dots, slashes and encodings (hypothesis; for an hour: make fuzz)",
    sees="refused, or below the base URL however often it is decoded",
    stand_in="the rule itself, without a socket",
)
def test_no_path_leaves_the_base_url(path: bytes) -> None:
    targets.path(b"g\n/" + path)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
@settings(max_examples=300, deadline=None)
def test_no_header_goes_on_that_must_not(lines: bytes) -> None:
    targets.headers(lines)


@given(
    seed=st.sampled_from(SEEDS["wire"]),
    at=st.integers(0, 300),
    put=st.binary(max_size=8),
    gone=st.integers(0, 8),
)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.fault(
    28,
    did="good and bad requests with bytes put in and taken out (hypothesis; an hour: make fuzz)",
    sees="an answer or an end; no internal error, no broken enrollment handed on",
    stand_in="the real listener's protocol on a connection in memory",
)
def test_no_bytes_bring_the_listener_to_a_mistake(
    seed: bytes, at: int, put: bytes, gone: int
) -> None:
    targets.wire(seed[:at] + put + seed[at + gone :])


def test_the_fuzzers_would_notice_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(tmp_path)
    good = SEEDS["wire"][0][1:]
    assert wire.send(good).startswith(b"HTTP/1.1 202 ")
    monkeypatch.setattr(
        "gateway.intake.door.safe_target", lambda *_: (_ for _ in ()).throw(ValueError("ours"))
    )
    with pytest.raises(AssertionError, match="request_failed"):
        wire.send(good)
    wire.close()
    monkeypatch.setattr("tests.fuzz.targets.check_target", lambda target, **_: target)
    with pytest.raises(AssertionError):
        targets.path(b"g\n/%2e%2e/x")


def test_bytes_that_find_something_are_kept(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        assert data != b"bad", "found"

    fuzzed = keeping(target, tmp_path)
    fuzzed(b"good")
    with pytest.raises(AssertionError, match="found"):
        fuzzed(b"bad")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"bad"]


@pytest.mark.slow
def test_a_fuzzer_that_follows_coverage_finds_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        if os.environ.get("CI"):
            pytest.fail("atheris is not installed: make setup")
        pytest.skip("atheris is not installed: make setup")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seconds", str(SECONDS), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert ended.stderr.count("number_of_executed_units") == 3
