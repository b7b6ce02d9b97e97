"""The keys that every simulated gateway has: what they seal and sign is in no history."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.intake.signing import ReceiptKeys
from gateway.journal.contract import Kept
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import Sealer

SEALER = Sealer(KeyRing.generate())


class _Unsigned(ReceiptKeys):
    """Receipts without a signature: nobody checks it here, and it would cost the most."""

    def sign(self, claims: object) -> str:
        del claims
        return "unsigned"


RECEIPT_KEYS = _Unsigned(Ed25519PrivateKey.generate(), "simulated", ())


def key_of(kept: Kept) -> str:
    """The idempotency key of what the journal holds."""
    return SEALER.envelope(kept).key
