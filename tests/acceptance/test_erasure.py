"""What is erased is nowhere in the journal's files: its wrapped data keys are looked for.

A sealed part can be read with its data key alone, and that only where the key stands wrapped.
"""

import asyncio
import random
import re
from pathlib import Path

import apsw
import pytest

from gateway.journal.keyring import ID_BYTES
from tests.acceptance.desk import desk
from tests.acceptance.processes import Gateway
from tests.acceptance.scene import scene

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

COUNT = 300
LARGE = 40_000  # in the file of large bodies
RETENTION = "ENROLLMENT_GATEWAY__JOURNAL__RETENTION_SECONDS"


def wrapped(gateway: Gateway, part: str) -> list[bytes]:
    """The wrapped data keys of this part of all enrollments of a stopped gateway."""
    connection = apsw.Connection(str(gateway.journal))
    query = f"SELECT {part} FROM content WHERE {part} IS NOT NULL"  # noqa: S608 - a name of ours
    found = [key for (key,) in connection.execute(query)]
    connection.close()
    return found


def left_of(keys: list[bytes], folder: Path) -> dict[str, int]:
    """How many of these keys stand in each file. All begin alike: with what wrapped them."""
    (beginning,) = {key[: 1 + ID_BYTES] for key in keys}
    any_key = re.compile(
        re.escape(beginning) + b".{%d}" % (len(keys[0]) - len(beginning)), re.DOTALL
    )
    counts = {
        file.name: len({*any_key.findall(file.read_bytes())} & {*keys})
        for file in folder.iterdir()
        if file.is_file()
    }
    return {name: count for name, count in counts.items() if count}


async def test_what_ended_cannot_be_opened_from_any_file_that_is_left(tmp_path: Path) -> None:
    rng = random.Random("bodies")
    with scene(tmp_path) as stage:
        gateway = stage.gateway
        await asyncio.to_thread(stage.start)
        gateway.ask_admin("POST", "pause", {"reason": "so that they stay"})
        async with desk(gateway.url) as station:
            for number in range(COUNT):
                size = LARGE if number % 5 == 0 else rng.randint(100, 7_000)
                await station.promised(f"key-{number}", rng.randbytes(size))
        assert await asyncio.to_thread(gateway.stop) == 0
        bodies, requests = (wrapped(gateway, part) for part in ("body_key", "envelope_key"))
        assert len(set(bodies)) == len(set(requests)) == COUNT
        assert left_of(bodies, tmp_path) == {"journal.db": COUNT}, "they are found where they are"
        large = gateway.journal.with_name("journal.db.bodies")
        sealed = large.read_bytes()

        await asyncio.to_thread(gateway.start)
        gateway.ask_admin("POST", "resume")
        await stage.drained()
        assert await asyncio.to_thread(gateway.stop) == 0
        assert left_of(bodies, tmp_path) == {}
        assert large.read_bytes()[:LARGE] == sealed[:LARGE], (
            "its bytes stay, and nothing opens them"
        )
        answers = wrapped(gateway, "answer_key")
        assert len(answers) == COUNT

        await asyncio.to_thread(lambda: gateway.launch(environ={RETENTION: "0.5"}))
        await asyncio.to_thread(gateway.until_ready)
        await asyncio.sleep(2)  # it forgets as it starts
        assert await asyncio.to_thread(gateway.stop) == 0
        assert wrapped(gateway, "envelope_key") == []
        assert left_of([*bodies, *requests, *answers], tmp_path) == {}
