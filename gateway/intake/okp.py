"""An Ed25519 key as a JWK (RFC 8037), without the library that knows every other kind.

That library and what it loads are 3 MB that a gateway would hold for as long as it runs, to read a
file of its own. Must not know what is signed.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_TYPE: Final = {"kty": "OKP", "crv": "Ed25519"}
_KNOWN: Final = {*_TYPE, "x", "d", "kid", "use", "alg"}
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url, without padding


def new(**parameters: str) -> dict[str, str]:
    """A new private key with these parameters, and its thumbprint for a ``kid``."""
    key = Ed25519PrivateKey.generate()
    private = {"x": _text(key.public_key().public_bytes_raw()), "d": _text(key.private_bytes_raw())}
    made = {"crv": _TYPE["crv"], **private, **parameters, "kty": _TYPE["kty"]}
    return {**made, "kid": thumbprint(made)}


def private_key(jwk: object) -> Ed25519PrivateKey | None:
    """The key of a JWK that is as ``new`` makes them; None: it is not."""
    if not isinstance(jwk, Mapping) or not {"x", "d", "kid"} <= jwk.keys() <= _KNOWN:
        return None
    if not all(isinstance(value, str) and value for value in jwk.values()):
        return None
    if any(jwk.get(name) != value for name, value in _TYPE.items()) or not _TEXT.fullmatch(
        jwk["d"]
    ):
        return None
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(jwk["d"] + "="))
    return key if _text(key.public_key().public_bytes_raw()) == jwk["x"] else None


def public(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The same JWK without what is secret."""
    return {name: value for name, value in jwk.items() if name != "d"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638, section 3; RFC 8037, section 2, says which members count."""
    told = {name: jwk[name] for name in ("crv", "kty", "x")}
    return _text(hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
