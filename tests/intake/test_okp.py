"""Keys that are read without the library are read as the library reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, OKPKey

from gateway.intake import okp, signing

CLAIMS = {"sub": "receipt", "iat": 1}


def made() -> dict[str, Any]:
    return okp.new(use="sig", alg="EdDSA")


def test_a_new_key_is_as_the_library_makes_it() -> None:
    jwk = made()
    (known,) = KeySet.import_key_set({"keys": [jwk]}).keys
    assert known.as_dict(private=True) == jwk
    assert known.as_dict(private=False) == okp.public(jwk)
    assert known.thumbprint() == jwk["kid"] == okp.thumbprint(jwk)
    theirs = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)
    assert list(theirs.as_dict(private=True)) == list(jwk)
    assert okp.private_key(theirs.as_dict(private=True)) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"crv": "Ed448"},
        {"kid": ""},
        {"kid": 1},
        {"d": "short"},
        {"d": "+" * 43},
        {"d": "A" * 43},
        {"x": "A" * 43},
        {"x5c": "of people"},
    ],
    ids=str,
)
def test_what_is_not_as_it_makes_them_is_left_to_the_library(change: dict[str, Any]) -> None:
    assert okp.private_key({**made(), **change}) is None
    assert okp.private_key(okp.public(made())) is None
    assert okp.private_key("no key") is None


def test_keys_of_other_kinds_still_check_and_are_told_without_their_secrets(tmp_path: Path) -> None:
    path, own = tmp_path / "keys.json", made()
    bare = {name: value for name, value in made().items() if name != "kid"}
    other = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True)
    for keys in ([own], [own, bare, other], [bare, other]):
        path.write_text(json.dumps({"keys": keys}))
        path.chmod(0o600)
        read = signing.load_or_create(path)
        told = read.jwks()["keys"]
        assert told == [key.as_dict(private=False) for key in KeySet.import_key_set({"keys": keys})]
        assert not [each for each in told if "d" in each]
        assert signing.verify(read.sign(CLAIMS), read.jwks()) == CLAIMS
    path.write_text(json.dumps({"keys": [other, own]}))
    with pytest.raises(signing.ReceiptKeyFault, match="must be a private Ed25519"):
        signing.load_or_create(path)
