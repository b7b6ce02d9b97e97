"""Sealing: what goes in comes out byte for byte, and nothing that was touched comes out at all."""

import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.enrollment import Answer, Enrollment
from gateway.core.lifecycle import Status
from gateway.journal.aligned import is_aligned
from gateway.journal.binding import BODY, ENVELOPE, TAG_BYTES
from gateway.journal.body_seal import BodySeal
from gateway.journal.contract import Entry, Kept, Life, Sealed
from gateway.journal.keyring import KeyRing
from gateway.journal.plain import dump_envelope
from gateway.journal.sealing import LEAST_ALIGNED, SealBroken, Sealer, key_id_of

RING = KeyRing.generate()
SEALER = Sealer(RING)
MARKER = b"a citizen's ten fingers"

# What aiohttp hands over: bytes that are not UTF-8 arrive as lone surrogates.
wire_text = st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
latin = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
pairs = st.lists(st.tuples(wire_text, wire_text | latin), max_size=5).map(tuple)


def enrollment(number: int = 1) -> Enrollment:
    return Enrollment(
        id=f"0197d5a2-0000-7000-8000-{number:012d}",
        station="balaraja-1",
        key=f"key-{number}",
        method="POST",
        target="/enrollments?nik=3603010101800000",
        headers=(("Content-Type", "application/octet-stream"),),
        body=MARKER,
        content_sha256="ab" * 32,
        accepted_at=12.5,
        ordering_key="citizen-7",
        fingerprint=b"f" * 32,
    )


def kept(entry: Entry, answer: Sealed | None = None) -> Kept:
    life = Life(
        id=entry.id,
        station=entry.station,
        status=Status.PENDING,
        attempts=0,
        priority=entry.priority,
        size=entry.size,
        accepted_at=entry.accepted_at,
        next_attempt_at=entry.accepted_at,
        last_attempt_at=None,
        settled_at=None,
        reason=None,
    )
    return Kept(life, entry.fingerprint, entry.envelope, entry.body, answer)


def sealed(each: Enrollment) -> Kept:
    return kept(SEALER.seal(each, rank=1.0))


@given(body=st.binary(max_size=300), headers=pairs, target=wire_text, order=st.none() | wire_text)
def test_an_enrollment_comes_back_byte_for_byte(
    body: bytes, headers: tuple[tuple[str, str], ...], target: str, order: str | None
) -> None:
    sent = replace(enrollment(), body=body, headers=headers, target=target, ordering_key=order)
    assert SEALER.open(sealed(sent)) == sent


@given(status=st.integers(100, 599), headers=pairs, body=st.binary(max_size=300))
def test_an_answer_comes_back_byte_for_byte(
    status: int, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    entry = SEALER.seal(enrollment(), rank=1.0)
    answer = Answer(status, headers, body)
    part = SEALER.seal_answer(entry.id, entry.station, entry.fingerprint, answer)
    assert SEALER.open_answer(kept(entry, part)) == answer


@given(parts=st.lists(st.binary(max_size=70), max_size=9), expected=st.integers(0, 200))
def test_a_body_sealed_while_it_comes_is_the_same_body(parts: list[bytes], expected: int) -> None:
    seal = BodySeal(expected)
    for part in parts:
        seal.add(memoryview(part))
    entry = SEALER.seal(replace(enrollment(), body=None), rank=1.0, body=seal)
    assert entry.size == len(b"".join(parts))
    assert SEALER.open(kept(entry)) == replace(enrollment(), body=b"".join(parts))


@pytest.mark.parametrize("size", [LEAST_ALIGNED - 1, LEAST_ALIGNED, 5 * LEAST_ALIGNED + 7])
def test_a_large_body_is_sealed_where_the_disk_can_take_it_and_is_the_same(size: int) -> None:
    sent = replace(enrollment(), body=bytes(range(251)) * (size // 251) + b"x" * (size % 251))
    entry = SEALER.seal(sent, rank=0.0)
    assert len(entry.body.data) == size + TAG_BYTES
    assert is_aligned(entry.body.data) is (size >= LEAST_ALIGNED)
    assert SEALER.open(kept(entry)) == sent


def test_a_body_that_is_not_in_memory_is_not_sealed_as_an_empty_one() -> None:
    with pytest.raises(ValueError, match="not in memory"):
        SEALER.seal(replace(enrollment(), body=None), rank=1.0)


def as_format_1(sealed: Sealed, part: bytes, each: Kept) -> Sealed:
    """The same content as the first version of the gateway sealed it."""
    (key_id,) = RING.keys
    bound = (each.life.id.encode(), each.life.station.encode(), each.fingerprint)
    associated = framed(b"\x01", part, framed(*bound))
    wrapping, data_key = AESGCM(RING.keys[key_id]), bytes(range(32))
    content = {b"envelope": dump_envelope(SEALER.envelope(each)), b"body": MARKER}[part]
    key = b"\x01" + key_id + bytes(12) + wrapping.encrypt(bytes(12), data_key, associated)
    assert len(key) == len(sealed.key)
    return Sealed(key, AESGCM(data_key).encrypt(bytes(12), content, associated))


def framed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def test_what_an_older_gateway_sealed_opens_and_gets_another_key() -> None:
    new = sealed(enrollment())
    assert new.body is not None
    old = replace(
        new,
        envelope=as_format_1(new.envelope, ENVELOPE, new),
        body=as_format_1(new.body, BODY, new),
    )
    assert SEALER.open(old) == enrollment()
    ring = RING.rotated()
    key = Sealer(ring).rewrapped(
        old.body.key if old.body else b"",
        part=BODY,
        enrollment_id=old.life.id,
        station=old.life.station,
        fingerprint=old.fingerprint,
    )
    assert key_id_of(key) == ring.active != RING.active
    assert old.body is not None
    assert Sealer(ring).open(replace(old, body=replace(old.body, key=key))) == enrollment()


def in_memory(body: Sealed, *, spare: bool) -> tuple[bytearray, Sealed]:
    """The same part, in memory that can be written to."""
    room = bytearray(body.data)
    return room, Sealed(body.key, memoryview(room), spare=spare)


def test_a_body_in_spare_memory_is_opened_there_and_any_other_is_left_as_it_is() -> None:
    found = kept(SEALER.seal(enrollment(), rank=1.0))
    assert found.body is not None
    sealed_bytes = bytes(found.body.data)
    room, body = in_memory(found.body, spare=False)
    assert SEALER.open(replace(found, body=body)) == enrollment()
    assert room == sealed_bytes
    room, body = in_memory(found.body, spare=True)
    assert SEALER.open(replace(found, body=body)) == enrollment()
    assert room.startswith(MARKER)


def test_a_body_in_spare_memory_that_was_altered_does_not_open() -> None:
    found = kept(SEALER.seal(enrollment(), rank=1.0))
    assert found.body is not None
    room, body = in_memory(found.body, spare=True)
    room[0] ^= 1
    with pytest.raises(SealBroken):
        SEALER.open(replace(found, body=body))


@pytest.mark.parametrize("left", [0, 1, 15, 16, 17])
def test_a_body_in_spare_memory_that_was_cut_does_not_open(left: int) -> None:
    found = kept(SEALER.seal(enrollment(), rank=1.0))
    assert found.body is not None
    cut = Sealed(found.body.key, memoryview(bytearray(found.body.data[:left])), spare=True)
    with pytest.raises(SealBroken):
        SEALER.open(replace(found, body=cut))


def test_there_is_no_answer_before_the_server_gave_one() -> None:
    assert SEALER.open_answer(sealed(enrollment())) is None


def test_the_envelope_is_readable_after_the_body_is_erased() -> None:
    erased = replace(sealed(enrollment()), body=None)
    assert SEALER.envelope(erased).content_sha256 == "ab" * 32
    with pytest.raises(SealBroken, match="erased"):
        SEALER.open(erased)


def test_nothing_of_the_plain_request_stands_in_what_is_kept() -> None:
    entry = SEALER.seal(enrollment(), rank=1.0)
    parts = (entry.envelope, entry.body)
    stored = b"".join(each.key + each.data for each in parts)
    stored += entry.identity + (entry.ordering or b"")
    for secret in (MARKER, b"3603010101800000", b"key-1", b"citizen-7"):
        assert secret not in stored
    assert "ciphertext" not in repr(entry)
    assert "data=" not in repr(entry)


def test_the_same_body_sealed_twice_looks_different() -> None:
    first, second = sealed(enrollment()), sealed(enrollment())
    assert first.body is not None
    assert second.body is not None
    assert first.body.data != second.body.data


@given(where=st.integers(min_value=0), part=st.sampled_from(["key", "data"]))
@pytest.mark.fault(
    7,
    did="a flipped bit in a sealed record",
    sees="found when it is opened",
    stand_in="the sealer, without a file",
)
def test_one_flipped_bit_anywhere_is_noticed(where: int, part: str) -> None:
    found = sealed(enrollment())
    assert found.body is not None
    raw = bytearray(getattr(found.body, part))
    raw[where // 8 % len(raw)] ^= 1 << where % 8
    body = found.body
    damaged = Sealed(bytes(raw), body.data) if part == "key" else Sealed(body.key, bytes(raw))
    broken = replace(found, body=damaged)
    with pytest.raises(SealBroken):
        SEALER.open(broken)


@pytest.mark.parametrize("cut", [0, 1, 9, 20])
def test_a_part_cut_short_is_noticed(cut: int) -> None:
    found = sealed(enrollment())
    assert found.body is not None
    for broken in (
        Sealed(found.body.key[:cut], found.body.data),
        Sealed(found.body.key, found.body.data[:cut]),
    ):
        with pytest.raises(SealBroken):
            SEALER.open(replace(found, body=broken))


@pytest.mark.fault(
    37,
    did="the ciphertexts of two rows swapped",
    sees="found when it is opened",
    stand_in="the sealer, without a file",
)
def test_two_rows_with_swapped_content_are_noticed() -> None:
    one, two = sealed(enrollment(1)), sealed(enrollment(2))
    with pytest.raises(SealBroken, match="another record"):
        SEALER.open(replace(one, envelope=two.envelope, body=two.body))


def test_two_parts_of_one_row_swapped_are_noticed() -> None:
    found = sealed(enrollment())
    assert found.body is not None
    with pytest.raises(SealBroken):
        SEALER.envelope(replace(found, envelope=found.body))


def test_a_row_under_another_station_or_fingerprint_is_noticed() -> None:
    found = sealed(enrollment())
    for moved in (
        replace(found, life=replace(found.life, station="jayanti-1")),
        replace(found, fingerprint=b"g" * 32),
    ):
        with pytest.raises(SealBroken):
            SEALER.open(moved)


@pytest.mark.fault(
    37,
    did="a newer key",
    sees="old rows are readable",
    stand_in="the sealer, without a file",
)
def test_rows_stay_readable_when_a_newer_key_is_active_and_not_when_theirs_is_gone() -> None:
    found = sealed(enrollment())
    newer = {b"newer-id": b"n" * 32}
    rotated = replace(RING, keys={**RING.keys, **newer}, active=b"newer-id")
    assert Sealer(rotated).open(found) == enrollment()
    with pytest.raises(SealBroken, match=RING.active.hex()):
        Sealer(replace(rotated, keys=newer)).open(found)


def test_names_depend_on_every_field_and_on_nothing_else() -> None:
    assert SEALER.identity("a", "bc") == SEALER.identity("a", "bc")
    assert SEALER.identity("a", "bc") != SEALER.identity("ab", "c"), "fields are kept apart"
    assert SEALER.identity("a", "b") != SEALER.ordering("a", "b"), "purposes are kept apart"
    assert SEALER.identity("a", "b") != Sealer(KeyRing.generate()).identity("a", "b")


@pytest.mark.parametrize("field", ["method", "target", "content_type", "content_sha256"])
def test_another_request_has_another_fingerprint(field: str) -> None:
    request = {"method": "POST", "target": "/e", "content_type": "a/b", "content_sha256": "00"}
    changed = request | {field: "other"}
    assert SEALER.fingerprint(**request) == SEALER.fingerprint(**request)
    assert SEALER.fingerprint(**request) != SEALER.fingerprint(**changed)


def test_a_derived_key_is_plain_hex_and_the_same_after_a_restart() -> None:
    key = SEALER.derived_key("balaraja-1", b"f" * 32)
    assert key == Sealer(RING).derived_key("balaraja-1", b"f" * 32)
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
    assert key != SEALER.derived_key("balaraja-2", b"f" * 32)
