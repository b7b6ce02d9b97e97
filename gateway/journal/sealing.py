"""Sealed at rest: what the journal keeps is ciphertext, and what it looks up by is an HMAC.

Each part of an enrollment (envelope, body, answer) is encrypted with AES-256-GCM under a random
data key of its own, which is wrapped by a key-encryption key of the ring. Dropping the wrapped
key erases the part for good (NIST SP 800-88, cryptographic erase). The wrapped key's associated
data binds the part's name, the format, the enrollment's id, its station and its fingerprint: a key
moved to another row, or to another part of the same row, does not unwrap, and a ciphertext opens
with its own key alone. So a body can be sealed while it comes, before its digest is known. (Format
1, still opened, bound the ciphertext to all of that once more.)

A data key encrypts once, so its nonce may be fixed; a key-encryption key wraps many, each under
a random nonce (NIST SP 800-38D: at most 2^32, so rotate long before 10^9 enrollments).

Must not know where the parts are kept, or who may see them.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from gateway.core.enrollment import Answer, Body, Enrollment
from gateway.journal.aligned import aligned
from gateway.journal.binding import (
    ANSWER,
    BODY,
    BOUND_TWICE,
    ENVELOPE,
    FORMAT,
    FORMATS,
    NONCE_BYTES,
    ONCE,
    PART_OF,
    TAG_BYTES,
    draw,
    framed,
    record_of,
)
from gateway.journal.body_seal import BodySeal
from gateway.journal.contract import Entry, JournalFault, Kept, Sealed
from gateway.journal.indexing import Index
from gateway.journal.keyring import ID_BYTES, KEY_BYTES, KeyRing
from gateway.journal.plain import (
    Envelope,
    dump_answer,
    dump_envelope,
    load_answer,
    load_fields,
)

LEAST_ALIGNED: Final = 16 * 1024
"""Bytes of a body from which on a copy costs more than memory at the beginning of a page."""

_NONCE_AT: Final = 1 + ID_BYTES  # in a wrapped key: behind its format and the wrapping key's id
_WRAPPED_AT: Final = _NONCE_AT + NONCE_BYTES


class SealBroken(JournalFault):
    """A kept part does not open: altered, moved from another record, or its key is missing."""


class Sealer:
    """Seals and opens with the keys of one ring. Cheap enough for the event loop."""

    def __init__(self, keyring: KeyRing) -> None:
        self._identities = Index(keyring.index_key, "identity")
        self._fingerprints = Index(keyring.index_key, "fingerprint")
        self._derived_keys = Index(keyring.index_key, "derived-key")
        self._orderings = Index(keyring.index_key, "ordering")
        self._active = keyring.active
        self._wrapping = {key_id: AESGCM(key) for key_id, key in keyring.keys.items()}
        self._sealing = self._wrapping[self._active]

    def identity(self, station: str, key: str) -> bytes:
        """Names a station's idempotency key without telling either."""
        return self._identities.of(station, key)

    def fingerprint(
        self, *, method: str, target: str, content_type: str, content_sha256: str
    ) -> bytes:
        """Equal for requests that are the same, so that a key used for another one is noticed."""
        return self._fingerprints.of(method, target, content_type, content_sha256)

    def derived_key(self, station: str, fingerprint: bytes) -> str:
        """The idempotency key of a request that came without one: the same for the same bytes."""
        return self._derived_keys.of(station, fingerprint.hex()).hex()

    def ordering(self, station: str, ordering_key: str) -> bytes:
        """Names a station's ordering key without telling it."""
        return self._orderings.of(station, ordering_key)

    def seal(self, enrollment: Enrollment, *, rank: float, body: BodySeal | None = None) -> Entry:
        """The enrollment as the journal takes it.

        Args:
            enrollment: what the station sent.
            rank: smaller is delivered first.
            body: its body, if it was sealed as it came.
        """
        record = record_of(enrollment.id, enrollment.station, enrollment.fingerprint)
        order = enrollment.ordering_key
        if body is not None:
            drawn, data = body.finish()
            size, sealed = body.size, Sealed(self._wrap(drawn, PART_OF[BODY] + record), data)
        elif enrollment.body is not None:
            size, sealed = len(enrollment.body), self._seal_body(enrollment.body, record)
        else:
            raise ValueError(f"the body of {enrollment.id} is not in memory")
        return Entry(
            id=enrollment.id,
            station=enrollment.station,
            identity=self.identity(enrollment.station, enrollment.key),
            fingerprint=enrollment.fingerprint,
            ordering=None if order is None else self.ordering(enrollment.station, order),
            priority=enrollment.priority,
            rank=rank,
            accepted_at=enrollment.accepted_at,
            size=size,
            envelope=self._seal(dump_envelope(enrollment), ENVELOPE, record),
            body=sealed,
        )

    def open(self, kept: Kept) -> Enrollment:
        """The enrollment as it was sealed; needs ``kept.body``, which is spent if it is ``spare``.

        Raises:
            SealBroken: a part does not open, or the body is erased or was not loaded.
        """
        if kept.body is None:
            raise SealBroken(f"the body of {kept.life.id} is erased or was not loaded")
        life, record = kept.life, _record(kept)
        method, target, headers, key, content_sha256, ordering_key = load_fields(
            self._open(kept.envelope, ENVELOPE, life.id, record)
        )
        return Enrollment(
            life.id,
            life.station,
            key,
            method,
            target,
            headers,
            self._open_body(kept.body, life.id, record),
            content_sha256,
            life.accepted_at,
            life.priority,
            ordering_key,
            kept.fingerprint,
        )

    def envelope(self, kept: Kept) -> Envelope:
        """Everything but the body; there until the retention ends.

        Raises:
            SealBroken: it does not open.
        """
        plain = self._open(kept.envelope, ENVELOPE, kept.life.id, _record(kept))
        return Envelope(*load_fields(plain))

    def seal_answer(
        self, enrollment_id: str, station: str, fingerprint: bytes, answer: Answer
    ) -> Sealed:
        """The server's answer to this enrollment, for ``Change.answer``."""
        record = record_of(enrollment_id, station, fingerprint)
        return self._seal(dump_answer(answer), ANSWER, record)

    def open_answer(self, kept: Kept) -> Answer | None:
        """The server's answer; None while there is none.

        Raises:
            SealBroken: it does not open.
        """
        if kept.answer is None:
            return None
        return load_answer(self._open(kept.answer, ANSWER, kept.life.id, _record(kept)))

    def rewrapped(
        self, key: bytes, *, part: bytes, enrollment_id: str, station: str, fingerprint: bytes
    ) -> bytes:
        """A part's data key, wrapped by the active key; the same bytes if it is already.

        Args:
            key: as in ``Sealed.key``.
            part: ``ENVELOPE``, ``BODY`` or ``ANSWER``.
            enrollment_id: whose part it is, as ``station`` and ``fingerprint``.
            station: see above.
            fingerprint: see above.

        Raises:
            SealBroken: it does not unwrap.
        """
        if key_id_of(key) == self._active:
            return key
        bound = framed(key[:1], part) + record_of(enrollment_id, station, fingerprint)
        data_key = self._unwrap(key, bound, part, enrollment_id)
        return self._wrap(data_key + secrets.token_bytes(NONCE_BYTES), bound, form=key[:1])

    def _seal(self, plain: Body, part: bytes, record: bytes) -> Sealed:
        drawn, named = draw(), PART_OF[part]
        data = AESGCM(drawn[:KEY_BYTES]).encrypt(ONCE, plain, named)
        return Sealed(self._wrap(drawn, named + record), data)

    def _seal_body(self, plain: Body, record: bytes) -> Sealed:
        """A large one where the disk takes it from: it is neither cleared before nor copied."""
        if len(plain) < LEAST_ALIGNED:
            return self._seal(plain, BODY, record)
        drawn, named = draw(), PART_OF[BODY]
        data = aligned(len(plain) + TAG_BYTES)
        AESGCM(drawn[:KEY_BYTES]).encrypt_into(ONCE, plain, named, data)
        return Sealed(self._wrap(drawn, named + record), data)

    def _open(self, sealed: Sealed, part: bytes, enrollment_id: str, record: bytes) -> bytes:
        """``record``: as ``binding.record_of`` names it."""
        data_key, associated = self._unlocked(sealed.key, part, enrollment_id, record)
        try:
            return AESGCM(data_key).decrypt(ONCE, sealed.data, associated)
        except (InvalidTag, ValueError):
            raise _altered(part, enrollment_id) from None

    def _open_body(self, sealed: Sealed, enrollment_id: str, record: bytes) -> Body:
        """Where it lies, if nobody else has that memory: else a large one takes as much again."""
        data = sealed.data
        if not sealed.spare or not isinstance(data, memoryview):
            return self._open(sealed, BODY, enrollment_id, record)
        data_key, associated = self._unlocked(sealed.key, BODY, enrollment_id, record)
        plain = data[:-TAG_BYTES]
        try:
            cipher = Cipher(AES(data_key), GCM(ONCE, bytes(data[-TAG_BYTES:]))).decryptor()
            cipher.authenticate_additional_data(associated)
            cipher.update_into(plain, plain)
            cipher.finalize()
        except (InvalidTag, ValueError):
            raise _altered(BODY, enrollment_id) from None
        return plain  # nobody has seen it before its tag was found right

    def _unlocked(
        self, key: bytes, part: bytes, enrollment_id: str, record: bytes
    ) -> tuple[bytes, bytes]:
        """A part's data key, and what its ciphertext is bound to."""
        form, named = key[:1], PART_OF[part]
        whole = named + record if form == FORMAT else framed(form, part) + record
        data_key = self._unwrap(key, whole, part, enrollment_id)
        return data_key, whole if form == BOUND_TWICE else named

    def _wrap(self, drawn: bytes, bound: bytes, *, form: bytes = FORMAT) -> bytes:
        nonce = drawn[KEY_BYTES:]
        wrapped = self._sealing.encrypt(nonce, drawn[:KEY_BYTES], bound)
        return form + self._active + nonce + wrapped

    def _unwrap(self, key: bytes, associated: bytes, part: bytes, enrollment_id: str) -> bytes:
        wrapping = self._wrapping.get(key[1:_NONCE_AT])
        if wrapping is None or key[:1] not in FORMATS:
            raise _without_a_key(key, part, enrollment_id)
        try:
            return wrapping.decrypt(key[_NONCE_AT:_WRAPPED_AT], key[_WRAPPED_AT:], associated)
        except (InvalidTag, ValueError):
            raise _altered(part, enrollment_id) from None


def _record(kept: Kept) -> bytes:
    """What a kept part's key is bound to, behind the part's own name."""
    return record_of(kept.life.id, kept.life.station, kept.fingerprint)


def _altered(part: bytes, enrollment_id: str) -> SealBroken:
    name = f"{part.decode()} of {enrollment_id}"
    return SealBroken(f"the {name} is altered or belongs to another record")


def _without_a_key(key: bytes, part: bytes, enrollment_id: str) -> SealBroken:
    name = f"{part.decode()} of {enrollment_id}"
    if not key:
        return SealBroken(f"the {name} is lost")
    if key[:1] not in FORMATS:
        return SealBroken(f"the {name} has a format that this version does not know")
    return SealBroken(f"the {name} needs key {key_id_of(key).hex()}, which the key file lacks")


def key_id_of(key: bytes) -> bytes:
    """The id of the key that wrapped a part's data key."""
    return key[1:_NONCE_AT]
