"""The keys that seal what is kept: a file beside the journal, made on the first start.

Several key-encryption keys, each under an id, one of them active; and one index key, from which
identities are made. The index key never changes while the journal lives: with another one no
station would find its enrollment again. Must not know what is sealed, or where.

The file is JSON::

    {"version": 1, "index_key": "<base64>", "active": "<id>", "keys": {"<id>": "<base64>"}}
"""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from gateway.files import create_file, replace_file

KEY_BYTES: Final = 32
ID_BYTES: Final = 8
_VERSION: Final = 1
MARK, NEEDED = "keyring", "keyring-ids"
"""Under these names a journal keeps whose keys it was written with, and with which of them."""


class KeyRingFault(Exception):
    """The key file is missing, unreadable or not this journal's: a fault of configuration."""


class Notes(Protocol):
    """What ``bind`` needs of a journal."""

    async def remember(self, name: str, value: str) -> None:
        """Keep a small text."""
        ...

    async def recall(self, name: str) -> str | None:
        """What was kept."""
        ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys in memory.

    Attributes:
        index_key: 32 bytes; identities, fingerprints and order keys are HMACs with it.
        keys: key-encryption keys of 32 bytes by their ids of 8 bytes.
        active: the id of the key that seals what is new.
    """

    index_key: bytes = field(repr=False)
    keys: Mapping[bytes, bytes] = field(repr=False)
    active: bytes

    @classmethod
    def generate(cls) -> "KeyRing":
        """New random keys."""
        active = secrets.token_bytes(ID_BYTES)
        return cls(
            index_key=secrets.token_bytes(KEY_BYTES),
            keys={active: secrets.token_bytes(KEY_BYTES)},
            active=active,
        )

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """The keys in the file at ``path``.

        Raises:
            KeyRingFault: it is missing, cannot be read, or does not hold what it should.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyRingFault(
                f"the key file {path} is missing; without it nothing in the journal can be read. "
                "Put it back from your backup"
            ) from None
        except (OSError, UnicodeDecodeError) as fault:
            raise KeyRingFault(f"the key file {path} cannot be read: {fault}") from fault
        try:
            return _parse(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            # The cause is left out on purpose: a parser's message may quote a key.
            raise KeyRingFault(
                f"the key file {path} is damaged or not a key file; put it back from your backup"
            ) from None

    @classmethod
    def load_or_create(cls, path: Path, *, journal_exists: bool) -> "KeyRing":
        """The keys at ``path``; new ones only where there is no journal yet.

        Raises:
            KeyRingFault: as ``load``; a missing file beside a journal is never replaced.
        """
        if journal_exists or path.exists():
            return cls.load(path)
        ring = cls.generate()
        ring.save(path)
        return ring

    def save(self, path: Path) -> None:
        """Write a new file, mode 0600, durable before this returns. Never replaces one.

        Raises:
            KeyRingFault: it exists, or cannot be written.
        """
        try:
            create_file(path, self._text())
        except FileExistsError:
            raise KeyRingFault(f"the key file {path} exists already; it is not replaced") from None
        except OSError as fault:
            raise KeyRingFault(f"the key file {path} cannot be written: {fault}") from fault

    def rotated(self) -> "KeyRing":
        """The same with one more key, which seals what is new; what is old opens as before."""
        active = secrets.token_bytes(ID_BYTES)
        keys = {**self.keys, active: secrets.token_bytes(KEY_BYTES)}
        return KeyRing(index_key=self.index_key, keys=keys, active=active)

    def pruned(self) -> "KeyRing":
        """The same with the active key alone: for a journal that needs no other any more."""
        keys = {self.active: self.keys[self.active]}
        return KeyRing(index_key=self.index_key, keys=keys, active=self.active)

    def replace(self, path: Path) -> None:
        """Write these keys over the file at ``path``: after a crash it holds the old or the new.

        Raises:
            KeyRingFault: it cannot be written.
        """
        try:
            replace_file(path, self._text())
        except OSError as fault:
            raise KeyRingFault(f"the key file {path} cannot be written: {fault}") from fault

    def mark(self) -> str:
        """A text by which a journal knows its keys again, and that tells nothing about them."""
        return hmac.digest(self.index_key, b"enrollment-gateway/mark/1", "sha256").hex()

    def _text(self) -> str:
        document = {
            "version": _VERSION,
            "index_key": base64.b64encode(self.index_key).decode(),
            "active": self.active.hex(),
            "keys": {
                key_id.hex(): base64.b64encode(key).decode() for key_id, key in self.keys.items()
            },
        }
        return json.dumps(document, indent=2) + "\n"


async def bind(journal: Notes, ring: KeyRing) -> None:
    """Tie an open journal to its keys on the first start, and check it on every later one.

    Raises:
        KeyRingFault: the journal was written with another key file, or with a key that this one
            lacks: an older copy of it, or one that a key was taken out of too early.
    """
    known = await journal.recall(MARK)
    if known is None:
        await journal.remember(MARK, ring.mark())
    elif not hmac.compare_digest(known, ring.mark()):
        raise KeyRingFault(
            "this key file is not the one that the journal was written with; "
            "set journal.key_file to the right one, or put it back from your backup"
        )
    needed = set((await journal.recall(NEEDED) or "").split())
    lacking = sorted(needed - {key_id.hex() for key_id in ring.keys})
    if lacking:
        raise KeyRingFault(
            f"the key file lacks {', '.join(lacking)}, which this journal was written with; "
            "put its newest copy back"
        )
    if ring.active.hex() not in needed:
        await journal.remember(NEEDED, " ".join(sorted({*needed, ring.active.hex()})))


def _parse(document: Mapping[str, object]) -> KeyRing:
    if document["version"] != _VERSION:
        raise ValueError("unknown version")
    listed = document["keys"]
    if not isinstance(listed, dict):
        raise TypeError("keys must be an object")
    ring = KeyRing(
        index_key=_key(document["index_key"]),
        keys={_key_id(key_id): _key(key) for key_id, key in listed.items()},
        active=_key_id(document["active"]),
    )
    if ring.active not in ring.keys:
        raise ValueError("the active key is not among the keys")
    return ring


def _key(text: object) -> bytes:
    try:
        key = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return key


def _key_id(text: object) -> bytes:
    key_id = bytes.fromhex(str(text))
    if len(key_id) != ID_BYTES:
        raise ValueError("a key's id has 8 bytes")
    return key_id
