"""The gateway's own credential, and who may be talked to."""

import os
import ssl
from pathlib import Path

import pytest

from gateway.delivery.session import Authorization, upstream_tls
from tests.support.clock import ManualClock


def test_a_credential_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    path, clock = tmp_path / "authorization", ManualClock()
    path.write_text("Bearer first\n")
    authorization = Authorization(path, clock)
    assert authorization() == "Bearer first"
    path.write_text("Bearer second\n")
    os.utime(path, ns=(1, 1))
    clock.advance(5.0)
    assert authorization() == "Bearer second"


def test_a_credential_that_is_being_replaced_serves_until_the_new_one_is_there(
    tmp_path: Path,
) -> None:
    path, clock = tmp_path / "authorization", ManualClock()
    path.write_text("Bearer first")
    authorization = Authorization(path, clock)
    path.unlink()
    clock.advance(5.0)
    assert authorization() == "Bearer first"


def test_a_missing_credential_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Authorization(tmp_path / "none", ManualClock())
    assert Authorization(None, ManualClock())() is None


def test_tls_checks_certificate_and_name() -> None:
    context = upstream_tls(ca=None, client_certificate=None, client_key=None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
