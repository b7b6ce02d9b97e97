"""The audit's chain: no record can be changed, taken out, put in or cut off unseen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.masking import mask
from gateway.journal.chain import check, link, linked
from gateway.journal.contract import AuditRecord


def chain(count: int) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    for number in range(count):
        record = AuditRecord(0, 100.0 + number, "siti", "cancel", f"id-{number}", "why")
        records.append(linked(records[-1] if records else None, record))
    return records


def test_a_link_is_that_of_the_documented_form() -> None:
    made = link("", seq=1, at="2026-11-24T01:02:03.456Z", texts=("ana", "pause", "upstream", "é"))
    # Made with printf, sha256sum and tr.
    assert made == "kamenmdemnacicbcnecbkpiaiehljlofmjmlpkbcliebclgcfafdghpaaebbjakg"


def test_a_whole_chain_holds_and_its_parts_too() -> None:
    records = chain(5)
    assert check(records).holds
    assert check(records, noted=records[2].link).holds
    assert check([]).holds


@pytest.mark.parametrize(
    "change",
    [
        {"at": 99.0},
        {"actor": "nobody"},
        {"action": "resume"},
        {"subject": "id-7"},
        {"detail": ""},
        {"link": ""},
        {"seq": 9},
    ],
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_record_that_was_changed_breaks_it(place: int, change: dict[str, object]) -> None:
    records = chain(5)
    records[place] = replace(records[place], **change)  # type: ignore[arg-type]
    assert not check(records, noted=chain(5)[-1].link).holds


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_record_that_was_taken_out_breaks_it(place: int) -> None:
    records = chain(5)
    del records[place]
    found = check(records)
    assert found.broken_at == place + 2


def test_a_record_that_was_put_in_breaks_it() -> None:
    records = chain(3)
    records.insert(1, linked(records[0], replace(records[1], action="forged")))
    assert check(records).broken_at == 2


def test_an_end_that_was_cut_off_is_seen_by_who_noted_the_last_link() -> None:
    records = chain(5)
    assert check(records[:4]).holds
    found = check(records[:4], noted=records[4].link)
    assert (found.holds, found.head_missing, found.broken_at) == (False, True, None)


def test_a_chain_written_anew_is_seen_by_who_noted_a_link() -> None:
    noted = chain(3)[-1].link
    forged = [linked(None, AuditRecord(0, 1.0, "x", "y", "z", ""))]
    assert check(forged).holds
    assert not check(forged, noted=noted).holds


def test_records_older_than_the_chain_are_counted_and_only_at_its_beginning() -> None:
    old = AuditRecord(1, 1.0, "ana", "pause", "upstream", "")
    records = [old, linked(old, AuditRecord(0, 2.0, "ana", "resume", "upstream", ""))]
    found = check(records)
    assert (found.holds, found.unlinked) == (True, 1)
    assert check([*records, AuditRecord(3, 3.0, "x", "y", "z", "")]).broken_at == 3
    assert check([replace(old, seq=2)]).broken_at == 2


@given(seq=st.integers(1), texts=st.lists(st.text(), min_size=4, max_size=4))
def test_a_link_can_stand_in_a_log(seq: int, texts: list[str]) -> None:
    made = link("", seq=seq, at="2026-11-24T01:02:03.456Z", texts=texts)
    assert len(made) == 64
    assert mask(made) == made
