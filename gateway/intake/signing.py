"""Sign receipts and check them: compact JWS (RFC 7515) with Ed25519 (RFC 8037).

Must not know what a receipt promises. Ed25519 is deterministic: the same claims under the same
key give the same token, so a receipt need not be kept to be given again.
"""

import binascii
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_BYTES

from gateway.core import jsontext
from gateway.core.moments import iso
from gateway.files import create_file, replace_file
from gateway.intake import okp

ALGORITHM = "EdDSA"

_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 7515, section 2: and without padding


class ReceiptKeyFault(ValueError):
    """The file with the signing keys cannot be used. The text says why, and holds no key."""


class ReceiptInvalid(Exception):
    """A token is not a genuine receipt."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key was put in front of the others: its ``kid``, when (RFC 3339), and by whom."""

    kid: str
    at: str
    by: str


class ReceiptKeys:
    """Signing keys by ``kid``. The first one signs; the others are kept to check older receipts."""

    def __init__(
        self, private: Ed25519PrivateKey, kid: str, public: Sequence[Mapping[str, Any]]
    ) -> None:
        """Sign with ``private``, whose name is ``kid``; ``public`` are all keys, as JWKs."""
        public_half = private.public_key().public_bytes_raw()
        self._secret = private.private_bytes_raw() + public_half  # as libsodium takes a key
        self._public = [dict(each) for each in public]
        header = {"alg": ALGORITHM, "kid": kid, "typ": "JWT"}
        self._protected = _base64url(jsontext.dump(header))

    def sign(self, claims: Mapping[str, object]) -> str:
        """The compact serialization (RFC 7515, section 7.1) of the claims.

        Put together here, because the protected header never changes, and joserfc warns at each
        use of a name that the public interface has fixed. libsodium signs: it takes two thirds of
        the time, and the signature is the dearest step of all for a small enrollment.
        """
        payload = _base64url(jsontext.dump(claims))
        message = self._protected + b"." + payload
        signature = crypto_sign(message, self._secret)[:crypto_sign_BYTES]
        return (message + b"." + _base64url(signature)).decode("ascii")

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWK set (RFC 7517, section 5)."""
        return {"keys": [dict(each) for each in self._public]}


def load_or_create(path: Path) -> ReceiptKeys:
    """The keys of a file; a missing file is made, with one new key and mode 0600.

    Raises:
        ReceiptKeyFault: the file cannot be read, others may read it, or it holds no key.
    """
    try:
        if not path.exists():
            create_file(path, _text({"keys": [okp.new(use="sig", alg=ALGORITHM)]}))
    except FileExistsError:
        pass
    except OSError as error:
        raise ReceiptKeyFault(f"the receipts key file cannot be made: {error.strerror}") from None
    try:
        if path.stat().st_mode & 0o077:
            raise ReceiptKeyFault("the receipts key file must be readable by its owner only (0600)")
        raw = path.read_bytes()
    except OSError as error:
        raise ReceiptKeyFault(f"the receipts key file cannot be read: {error.strerror}") from None
    try:
        held = json.loads(raw)
        private = [okp.private_key(each) for each in held["keys"]]
        if private and private[0] is not None and None not in private:
            public = [okp.public(each) for each in held["keys"]]
            return ReceiptKeys(private[0], public[0]["kid"], public)
        return _of_any_kind(held)
    except ReceiptKeyFault:
        raise
    except (ValueError, KeyError, TypeError, IndexError):
        raise ReceiptKeyFault("the receipts key file is no JWK set of private keys") from None


def _of_any_kind(held: Any) -> ReceiptKeys:  # noqa: ANN401 - as JSON is
    """Those of a file with keys that the gateway does not make: to check receipts, not to sign."""
    from joserfc.errors import JoseError  # noqa: PLC0415 - see ``okp``
    from joserfc.jwk import KeySet, OKPKey  # noqa: PLC0415 - as above

    try:
        keys = KeySet.import_key_set(held).keys
        signer = keys[0]
        private = signer.private_key if isinstance(signer, OKPKey) else None
        if not isinstance(private, Ed25519PrivateKey):
            raise ReceiptKeyFault(
                "the first key of the receipts key file must be a private Ed25519"
            )
        return ReceiptKeys(private, str(signer.kid), [key.as_dict(private=False) for key in keys])
    except JoseError as error:
        raise ValueError("no JWK set") from error


def rotate(path: Path, *, by: str, now: float) -> None:
    """Put a new key in front of a key file: it signs from the next start on, the others check.

    Args:
        path: the key file, which also keeps who did it, for the audit.
        by: who does it.
        now: wall seconds.

    Raises:
        ReceiptKeyFault: there is no usable file at ``path``, or it cannot be written.
    """
    try:
        if not path.exists():
            raise ReceiptKeyFault("there is no receipts key file yet; `keys generate` makes it")
        load_or_create(path)
        held, made = json.loads(path.read_text("utf-8")), okp.new(use="sig", alg=ALGORITHM)
        rotation = Rotation(made["kid"], iso(now), by)
        told = [*held.get("rotations", ()), asdict(rotation)]
        replace_file(path, _text({"keys": [made, *held["keys"]], "rotations": told}))
    except OSError as error:
        raise ReceiptKeyFault(f"the receipts key file cannot be written: {error}") from None


def rotations(path: Path) -> list[Rotation]:
    """Every rotation that a key file tells of, the oldest first.

    Raises:
        ReceiptKeyFault: the file cannot be read, or holds something else.
    """
    try:
        told = json.loads(path.read_text("utf-8")).get("rotations", ())
        return [Rotation(str(each["kid"]), str(each["at"]), str(each["by"])) for each in told]
    except OSError as error:
        raise ReceiptKeyFault(f"the receipts key file cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ReceiptKeyFault("the receipts key file tells nothing of its rotations") from None


def verify(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a genuine receipt.

    Args:
        token: compact JWS.
        jwks: public keys, as the gateway gives them at ``/_gateway/jwks.json``.

    Raises:
        ReceiptInvalid: not signed by one of these keys, or no JWS at all.
    """
    from joserfc import jws  # noqa: PLC0415 - see ``okp``
    from joserfc.errors import JoseError  # noqa: PLC0415 - as above
    from joserfc.jwk import KeySet  # noqa: PLC0415 - as above

    try:
        keys = KeySet.import_key_set({"keys": list(jwks["keys"])})
        with warnings.catch_warnings():
            # RFC 9864 renames EdDSA; the public interface keeps the name.
            warnings.simplefilter("ignore")
            claims = json.loads(jws.deserialize_compact(token, keys, [ALGORITHM]).payload)
    except (JoseError, ValueError, KeyError, TypeError):
        raise ReceiptInvalid("this is no receipt signed by one of these keys") from None
    if not isinstance(claims, dict):
        raise ReceiptInvalid("the receipt's content is no JSON object")
    return claims


def _text(key_set: Mapping[str, Any]) -> str:
    """What is not ``keys`` is ignored by those who do not know it (RFC 7517, section 5)."""
    return json.dumps(key_set, indent=2) + "\n"


def _base64url(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")
