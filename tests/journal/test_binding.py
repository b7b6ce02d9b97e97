"""Chance is drawn once and never again; framed lists and their HMACs are what they were."""

import hmac
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.binding import FORMAT, NONCE_BYTES, PART_OF, draw, framed, record_of
from gateway.journal.indexing import Index
from gateway.journal.keyring import KEY_BYTES

PARTS = st.lists(st.binary(max_size=40), max_size=5)
wire_text = st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def test_a_draw_is_a_key_and_a_nonce_and_comes_never_again() -> None:
    drawn = [draw() for _ in range(1_000)]
    assert {len(each) for each in drawn} == {KEY_BYTES + NONCE_BYTES}
    assert len({each[:KEY_BYTES] for each in drawn}) == len(drawn)
    assert len({each[KEY_BYTES:] for each in drawn}) == len(drawn)


def test_threads_never_draw_the_same() -> None:
    def draws(_: int) -> list[bytes]:
        return [draw() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as threads:
        drawn = Counter(each for some in threads.map(draws, range(8)) for each in some)
    assert drawn.most_common(1)[0][1] == 1


def test_a_forked_child_draws_what_its_parent_will_not() -> None:
    draw()  # the pool is filled
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"".join(draw() for _ in range(90)))
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 90 * (KEY_BYTES + NONCE_BYTES))
    os.close(read)
    os.close(write)
    size = KEY_BYTES + NONCE_BYTES
    theirs = {told[at : at + size] for at in range(0, len(told), size)}
    assert len(theirs) == 90
    assert theirs.isdisjoint(draw() for _ in range(200))


@given(PARTS, PARTS)
def test_what_never_changes_can_be_framed_beforehand(some: list[bytes], more: list[bytes]) -> None:
    assert framed(*some, *more) == framed(*some) + framed(*more)


@given(st.uuids(), wire_text, st.binary(min_size=32, max_size=32))
def test_a_key_is_bound_to_form_part_and_record(uuid: object, station: str, print_: bytes) -> None:
    name = station.encode("utf-8", "surrogateescape")
    bound = framed(str(uuid).encode(), name, print_)
    for part, named in PART_OF.items():
        assert named + record_of(str(uuid), station, print_) == framed(FORMAT, part, bound)


@given(st.binary(min_size=1, max_size=64), st.lists(wire_text, max_size=4))
def test_an_index_is_the_hmac_of_purpose_and_texts(key: bytes, texts: list[str]) -> None:
    said = framed(b"identity", *(each.encode("utf-8", "surrogateescape") for each in texts))
    index = Index(key, "identity")
    for _ in range(2):
        assert index.of(*texts) == hmac.digest(key, said, "sha256")
