"""A thin line."""

import time

import gevent
import pytest

from loadtests.uplink import Uplink


def test_a_packet_takes_as_long_as_the_line_needs_and_arrives_whole() -> None:
    body = bytes(range(256)) * 16
    took = []
    for _ in range(5):
        began = time.monotonic()
        parts = list(Uplink(128_000).parts(body))
        took.append(time.monotonic() - began)
        assert b"".join(parts) == body
    # What disturbs a machine only adds.
    assert min(took) == pytest.approx(4096 * 8 / 128_000, rel=0.5)


def test_two_packets_of_one_desk_go_one_after_the_other() -> None:
    uplink = Uplink(1_000_000)
    order: list[str] = []

    def send(name: str) -> None:
        with uplink.line:
            order.extend(name for _ in uplink.parts(bytes(40_000)))

    gevent.joinall([gevent.spawn(send, "a"), gevent.spawn(send, "b")])
    assert order == sorted(order)
    assert order.count("a") > 1
