"""The operators' token: made on first start, compared in constant time.

Must not know HTTP beyond the form of one header value.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from gateway.files import create_file

LEAST_CHARACTERS: Final = 16


class TokenFault(ValueError):
    """The token file cannot be used: the gateway must not start, or keeps the old token."""


def load_or_create(path: Path) -> str:
    """The token in ``path``. A missing file is made, readable by its owner only.

    Raises:
        TokenFault: it cannot be read or made, or holds no token.
    """
    try:
        if not path.exists():
            create_file(path, secrets.token_urlsafe(32) + "\n")
    except FileExistsError:
        pass
    except OSError as fault:
        raise TokenFault(
            f"admin.token_file {path} cannot be created ({fault.strerror}): "
            "name a file in a directory that the gateway may write to, or put a token there"
        ) from fault
    return load(path)


def load(path: Path) -> str:
    """The token in ``path``.

    Raises:
        TokenFault: it cannot be read, or holds no token.
    """
    try:
        token = path.read_text("ascii").strip()
    except OSError as fault:
        raise TokenFault(
            f"admin.token_file {path} cannot be read ({fault.strerror}): "
            "let the gateway's user read it"
        ) from fault
    except UnicodeDecodeError:
        token = ""
    if len(token) < LEAST_CHARACTERS or not token.isprintable() or " " in token:
        raise TokenFault(
            f"admin.token_file {path} holds no token of {LEAST_CHARACTERS} or more printable "
            "characters on one line: delete it, and a new one is made at the next start"
        )
    return token


class Bearer:
    """Tells whether an ``Authorization`` header holds the token (RFC 6750, section 2.1)."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def renew(self, token: str) -> None:
        """From now on it is this one."""
        self._digest = _digest(token)

    def admits(self, authorization: str | None) -> bool:
        """Whether it does. The time it takes says nothing of where a wrong token differs."""
        scheme, _, given = (authorization or "").partition(" ")
        # Digests have one length, so not even the token's length can be measured.
        return hmac.compare_digest(_digest(given.strip()), self._digest) & (
            scheme.lower() == "bearer"
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
