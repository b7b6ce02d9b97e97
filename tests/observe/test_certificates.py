"""The first certificate to expire is the one that counts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.observe.certificates import first_expiry


def certificate(expires: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(expires)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def test_a_chain_expires_with_its_first_link(tmp_path: Path) -> None:
    early, late = datetime(2026, 12, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificate(late) + certificate(early))
    assert first_expiry(chain) == early.timestamp()


def test_a_file_without_one_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    with pytest.raises(ValueError, match="PEM"):
        first_expiry(empty)
