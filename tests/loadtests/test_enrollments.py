"""Synthetic citizens and their packets."""

import json
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.enrollments import PacketSizes, Registry, nik
from loadtests.stations import station_names

SIZES = PacketSizes(600_000, 1_200_000, 5_000_000, scale=0.02)
STATION = "36.03.12-1"
stations = st.sampled_from(station_names(2))
numbers = st.integers(0, 10_000)


@cache
def _registry(seed: int = 1, share: float = 0.2) -> Registry:
    return Registry(seed, SIZES, share)


def _biodata(registry: Registry, station: str, number: int) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(registry.packet(station, number).split(b"\n", 1)[0])
    return data


@given(station=stations, number=numbers)
def test_every_nik_has_a_real_district_a_valid_date_and_serial_0000(
    station: str, number: int
) -> None:
    citizen = _biodata(_registry(), station, number)
    code = citizen["nik"]
    day = int(code[6:8])
    assert len(code) == 16
    assert code[:6] == "3603" + station[6:8]
    born = f"{day - 40 if day > 40 else day:02}{code[8:12]}"
    assert datetime.strptime(born, "%d%m%y").strftime("%m-%d") == citizen["born"][-5:]  # noqa: DTZ007 - a birthday has no zone
    assert code.endswith("0000")


@pytest.mark.parametrize(
    ("woman", "expected"), [(False, "3603120708900000"), (True, "3603124708900000")]
)
def test_a_womans_day_of_birth_is_raised_by_forty(woman: bool, expected: str) -> None:  # noqa: FBT001 - a table
    assert nik(STATION, date(1990, 8, 7), woman=woman) == expected


def test_the_same_seed_makes_the_same_packets_and_another_seed_others() -> None:
    packets = [_registry(1).packet(STATION, n) for n in range(50)]
    assert packets == [Registry(1, SIZES, 0.2).packet(STATION, n) for n in range(50)]
    assert all(_registry(2).packet(STATION, n) != packet for n, packet in enumerate(packets))


def test_all_packets_differ() -> None:
    packets = {_registry().packet(name, n) for name in station_names(2) for n in range(20)}
    assert len(packets) == 58 * 20


def test_sizes_have_the_median_and_the_95th_percentile_of_the_case_and_are_cut() -> None:
    sizes = sorted(len(_registry().packet(STATION, n)) for n in range(4000))
    assert sizes[2000] == pytest.approx(12_000, rel=0.05)
    assert sizes[3800] == pytest.approx(24_000, rel=0.07)
    assert SIZES.at(1 - 1e-12) == 100_000


def test_a_packet_is_never_smaller_than_its_biodata() -> None:
    tiny = Registry(1, PacketSizes(600_000, 1_200_000, 5_000_000, scale=1e-6))
    assert _biodata(tiny, STATION, 3)["number"] == 3


@given(station=stations, number=numbers)
def test_a_correction_is_of_the_same_citizen_and_ordered_with_its_recording(
    station: str, number: int
) -> None:
    registry = _registry()
    first = registry.first_of(station, number)
    assert registry.first_of(station, first) == first
    if first == number:
        assert _biodata(registry, station, number)["kind"] == "record"
        return
    recording, correction = (_biodata(registry, station, n) for n in (first, number))
    assert correction["kind"] == "correct"
    assert correction["nik"] == recording["nik"]
    assert registry.is_ordered(station, first)
    assert registry.is_ordered(station, number)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.2, 0.16, 0.22)])
def test_the_ordered_share_is_about_what_was_asked_for(
    share: float, low: float, high: float
) -> None:
    ordered = sum(_registry(1, share).is_ordered(STATION, n) for n in range(5000)) / 5000
    assert low <= ordered <= high
