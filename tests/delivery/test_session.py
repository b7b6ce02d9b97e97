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


@pytest.mark.parametrize("spoken", [True, False])
def test_tls_checks_certificate_and_name(*, spoken: bool) -> None:
    context = upstream_tls(spoken=spoken, ca=None, client_certificate=None, client_key=None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_server_that_speaks_no_tls_needs_no_authorities_unless_they_are_named() -> None:
    def trusted(*, spoken: bool, ca: Path | None) -> int:
        context = upstream_tls(spoken=spoken, ca=ca, client_certificate=None, client_key=None)
        return len(context.get_ca_certs())

    system = ssl.get_default_verify_paths().cafile
    if system is None:
        pytest.skip("this machine trusts no authority")
    assert trusted(spoken=False, ca=None) == 0
    assert trusted(spoken=True, ca=None) > 0
    assert trusted(spoken=False, ca=Path(system)) > 0
