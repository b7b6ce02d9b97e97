"""TLS of the public listener. Must not know who may do what."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NO_PASSPHRASE = ""  # an encrypted key is a fault: nobody is there to be asked for it


def server_context(
    certificate: Path, key: Path, *, client_ca: Path | None = None
) -> ssl.SSLContext:
    """The listener's TLS: 1.2 or newer; with ``client_ca`` every client must show a certificate.

    Raises:
        OSError: a file cannot be read, or is not what it should be (``ssl.SSLError``).
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password=NO_PASSPHRASE)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def common_name(certificate: Mapping[str, Any]) -> str | None:
    """The subject's common name of a verified certificate, as ``getpeercert`` gives it."""
    for attributes in certificate.get("subject", ()):
        for name, value in attributes:
            if name == "commonName":
                return str(value)
    return None
