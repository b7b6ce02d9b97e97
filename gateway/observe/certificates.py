"""When a certificate file expires. Must not know what the certificate is for."""

from pathlib import Path


def first_expiry(file: Path) -> float:
    """Unix seconds at which the first certificate of a PEM file (a chain, maybe) expires.

    Raises:
        OSError: the file cannot be read.
        ValueError: there is no certificate in it.
    """
    from cryptography import x509  # noqa: PLC0415 - 2 MB, for those alone who have certificates

    chain = x509.load_pem_x509_certificates(file.read_bytes())
    return min(certificate.not_valid_after_utc for certificate in chain).timestamp()
