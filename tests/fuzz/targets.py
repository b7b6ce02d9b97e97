"""What is fuzzed: each target takes bytes, and raises when something is wrong with the answer.

Pure Python where it can be, so that a fuzzer that follows coverage sees every branch.
"""

import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from yarl import URL

from gateway.core.forwarding import (
    HOP_BY_HOP,
    TargetUnsafe,
    check_target,
    end_to_end,
    forwarded,
    sendable,
)
from gateway.core.idempotency import LONGEST, KeyInvalid, parse_key
from gateway.core.masking import mask, one_line
from gateway.core.preferences import digest_matches, parse_prefer, parse_priority
from gateway.core.problems import Language, choose_language
from gateway.core.routes import matches
from tests.fuzz.wire import Wire

BASE = "http://server.example/base"
_RUN = re.compile(r"\d{16}")


def path(data: bytes) -> None:
    """A request target: refused, or it stays below the base URL whoever reads it."""
    host, _, raw = data.decode("latin-1").partition("\n")
    try:
        target = check_target(raw, host=host or None)
    except TargetUnsafe:
        return
    url = URL(BASE + target, encoded=True)
    assert url.host == "server.example", target
    sent = target.removesuffix("?") if target.count("?") == 1 else target
    assert url.raw_path_qs == "/base" + sent, target  # of an empty query its mark is lost
    plain = target.partition("?")[0]
    for _ in range(8):  # as a server may decode it, more than once
        assert not plain.startswith("//"), target
        segments = [segment.partition(";")[0] for segment in re.split(r"[/\\]", plain)]
        assert not {".", ".."} & set(segments), target
        assert not plain.startswith("/_gateway/") or target.startswith("/_gateway/"), target
        plain = unquote(plain)
    matches("/enrollments/*", target)


def headers(data: bytes) -> None:
    """Header lines: what goes on is end-to-end and on one line, what is read is what it says."""
    text = data.decode("utf-8", "surrogateescape")
    lines = [line.partition(":") for line in text.split("\n")]
    pairs = [(name.strip(), value.strip()) for name, _, value in lines]
    named = {
        option.strip().lower()
        for name, value in pairs
        if name.lower() == "connection"
        for option in value.split(",")
    }
    onward = sendable(end_to_end(pairs, without=frozenset()))
    for name, value in onward:
        assert name.lower() not in HOP_BY_HOP | named, name
        value.encode()
    for name, value in pairs:
        _values(name, value)
    assert not _RUN.search(mask(text)), "16 digits were not masked"
    assert "\n" not in one_line(text)


def _values(name: str, value: str) -> None:
    for each in (name, value):
        try:
            key = parse_key(each)
        except KeyInvalid:
            continue
        assert 1 <= len(key) <= LONGEST
        assert key.isascii()
        assert key.isprintable()
    wait = parse_prefer([name, value]).wait
    assert wait is None or 0 <= wait < 10**9
    assert parse_priority([name, value]) in {None, *range(8)}
    assert digest_matches([name, value], bytes(32)) in {True, False}
    assert choose_language(value) in set(Language)
    origin = forwarded(address=None, host=value, scheme="http")
    assert origin.count("\n") == value.count("\n")


def wire(data: bytes) -> None:
    """A whole connection; the first byte says where it is cut in two, and who waits."""
    first, sent = (data[0], data[1:]) if data else (0, b"")
    cut = first * len(sent) // 256
    _wire().send(*filter(None, (sent[:cut], sent[cut:])), waits=first % 2 == 0)


@cache
def _wire() -> Wire:
    return Wire(Path(tempfile.mkdtemp(prefix="fuzz-")))


TARGETS: dict[str, Callable[[bytes], None]] = {"path": path, "headers": headers, "wire": wire}
