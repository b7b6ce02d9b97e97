"""The search has teeth: whatever is left behind of anyone, in whatever dress, it finds."""

import base64
import json

import pytest

from tests.privacy.citizens import Citizen, citizens
from tests.privacy.search import Search

PEOPLE = list(citizens(1_000))


def test_a_thousand_people_are_a_thousand_and_nobody() -> None:
    assert len({person.nik for person in PEOPLE}) == len({p.marker for p in PEOPLE}) == 1_000
    assert all(len(person.nik) == 16 and person.nik.endswith("0000") for person in PEOPLE)


@pytest.mark.parametrize("dress", range(len(PEOPLE[0].dresses())))
@pytest.mark.parametrize("person", [PEOPLE[0], PEOPLE[617], PEOPLE[-1]])
def test_a_number_is_found_in_every_dress(person: Citizen, dress: int) -> None:
    search = Search(PEOPLE)
    line = json.dumps({"event": "x", "target": f"/a/{person.dresses()[dress]}/b"})
    search.look("log", b"before\n" + line.encode() + b"\nafter")
    assert search.found


@pytest.mark.parametrize(
    "hidden",
    [
        lambda marker: marker,
        lambda marker: marker.upper(),
        lambda marker: marker.hex().encode(),
        base64.b64encode,
        lambda marker: base64.b64encode(b"x" + marker + b"y"),
        lambda marker: base64.b64encode(b"xy" + marker),
    ],
)
def test_a_marker_is_found_as_it_is_and_encoded(hidden: object) -> None:
    assert callable(hidden)
    search = Search(PEOPLE)
    search.look("journal.db", bytes(100) + hidden(PEOPLE[3].marker.encode()) + bytes(100))
    assert search.found == ["journal.db: a body's marker"]


def test_a_number_in_the_middle_of_a_longer_one_is_found() -> None:
    search = Search(PEOPLE)
    search.look("metrics", b"1" + PEOPLE[5].nik.encode() + b"2")
    assert search.found == ["metrics: the number of person 5"] * len(search.found) != []


def test_nobody_is_found_where_nobody_is() -> None:
    search = Search(PEOPLE)
    search.look("log", b'{"id": "0197a000-0000-7000-8000-000000000000", "at": 1764000000.123456}')
    search.look("log", b"3603010101900001 [16 digits] kena ri")
    assert search.found == []
