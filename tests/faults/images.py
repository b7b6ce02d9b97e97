"""An image of the disk after a power loss: put it into files, open it with the real code, look.

What must hold: it opens, with the files of secrets beside it; it is whole; everything that a
station was told before the power went is there, and as far as it was told; and nothing is there
that no station sent.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import apsw

from gateway.admin import token
from gateway.config import load
from gateway.core.lifecycle import Status
from gateway.intake import signing
from gateway.journal.contract import Journal, Kept, Life
from gateway.journal.sealing import Sealer
from gateway.wiring.parts import opened_journal
from gateway.wiring.shared import Shared
from tests.faults.recordings import STORE, Recording, Told


def write(image: Mapping[str, bytes], recording: Recording, folder: Path) -> Path:
    """Put the files into ``folder``; the journal's path there."""
    for path, content in image.items():
        place = folder / Path(path).relative_to(recording.folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(0o600)
        place.write_bytes(content)
    return folder / STORE


async def examine(journal: Path, recording: Recording, promises: Mapping[str, Told]) -> list[str]:
    """Open it and look; what is wrong, a line each."""
    flags = {"journal.url": f"sqlite:///{journal}"}
    shared = Shared(load(recording.config, flags, environ={}).settings)
    signed = shared.paths.receipt_keys.exists()
    try:
        signing.load_or_create(shared.paths.receipt_keys)
        token.load_or_create(shared.paths.admin_token)
        async with opened_journal(shared) as (opened, sealer):
            troubles = await _look(opened, sealer, recording, promises)
    except Exception as error:  # noqa: BLE001 - whatever it is, it did not open
        return [f"does not open: {type(error).__name__}: {error}"]
    if promises and not signed:
        troubles.append("the keys that signed receipts are gone")
    return troubles + _integrity(journal)


async def _look(
    journal: Journal, sealer: Sealer, recording: Recording, promises: Mapping[str, Told]
) -> list[str]:
    lives = {life.id: life for life in await journal.list(limit=1_000_000)}
    troubles = [
        f"{promise.receipt}: told {promise.stands or promise.status}, found {found}"
        for promise in promises.values()
        if not _kept(promise, found := lives.get(promise.receipt))
    ]
    kept = await asyncio.gather(*(journal.load(found) for found in lives))
    keys: set[str] = set()
    for each in kept:
        if each is None:
            troubles.append("listed, and not there")
            continue
        key, trouble = _true(each, sealer, recording)
        troubles += [f"{each.life.id}: {trouble}"] if trouble else []
        troubles += [f"{each.life.id}: its key is there twice"] if key in keys else []
        keys.add(key)
    totals = await journal.totals()
    if totals.accepted != len(lives):
        troubles.append(f"{totals.accepted} counted, {len(lives)} there")
    return troubles


def _kept(promise: Told, life: Life | None) -> bool:
    if life is None:
        return False
    # An answer is passed on before its outcome is durable: then it is in doubt, and asked again.
    return promise.stands != "delivered" or life.status is Status.DELIVERED


def _true(kept: Kept, sealer: Sealer, recording: Recording) -> tuple[str, str]:
    """Its key, and what is untrue of it."""
    envelope = sealer.envelope(kept)
    sent = recording.sent.get(envelope.key)
    if sent is None:
        return envelope.key, "nobody sent it"
    if sent != envelope.content_sha256:
        return envelope.key, "another body was sent"
    if kept.body is not None:
        body = sealer.open(kept).body or b""
        if hashlib.sha256(body).hexdigest() != sent:
            return envelope.key, "its body was altered"
    elif kept.life.status is not Status.DELIVERED:
        return envelope.key, "its body is gone, and it is not delivered"
    if kept.life.status is Status.DELIVERED and envelope.key not in recording.recorded:
        return envelope.key, "the server never recorded it"
    return envelope.key, ""


def _integrity(journal: Path) -> list[str]:
    connection = apsw.Connection(str(journal), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found = connection.pragma("integrity_check")
    finally:
        connection.close()
    return [] if found == "ok" else [f"integrity_check: {found}"]
