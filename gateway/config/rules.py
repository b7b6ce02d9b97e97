"""How settings fit together: contradictions, what serving needs, and good advice.

Must not know where a value came from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config.keys import flat
from gateway.config.schemes import POSTGRESQL
from gateway.config.settings import Settings

# Made by the gateway on its first start, so they need not be there.
MADE = frozenset({"journal.key_file", "receipts.key_file", "admin.token_file"})


# The same on every gateway of a shared journal.
SHARED = ("journal.key_file", "receipts.key_file")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Settings that cannot both be meant: the key to change, why, and the others it hangs on."""

    key: str
    message: str
    others: tuple[str, ...]


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """All of them."""
    values = flat(settings)
    intake, upstream = settings.intake, settings.upstream
    who = ("stations.tokens_file", "intake.client_ca", "intake.allow_anonymous")
    if not intake.listen.loopback and not any(values[key] for key in who):
        yield Contradiction(
            "intake.listen",
            "other machines can reach this address, and anyone could send: set "
            "stations.tokens_file or intake.client_ca, or intake.allow_anonymous = true where "
            "something in front asks who they are",
            who,
        )
    for key, other in (
        ("intake.tls_certificate", "intake.tls_key"),
        ("intake.tls_key", "intake.tls_certificate"),
        ("intake.client_ca", "intake.tls_certificate"),
        ("upstream.client_certificate", "upstream.client_key"),
        ("upstream.client_key", "upstream.client_certificate"),
    ):
        if values[key] is not None and values[other] is None:
            yield Contradiction(key, f"needs {other}", (other,))
    plain = upstream.url is not None and upstream.url.startswith("http://")
    for key in ("upstream.ca", "upstream.client_certificate"):
        if plain and values[key] is not None:
            yield Contradiction(key, "is for TLS, but upstream.url is http://", ("upstream.url",))
    if settings.journal.url.startswith(POSTGRESQL):
        for key in SHARED:
            if values[key] is None:
                yield Contradiction(
                    key,
                    "must be set: gateways that share a journal need the same key file; copy it "
                    "from the gateway that made it",
                    ("journal.url",),
                )
    if settings.admin.listen == intake.listen and intake.listen.port != 0:
        yield Contradiction(
            "admin.listen", "is the address of intake.listen; take another", ("intake.listen",)
        )


def lacking(settings: Settings) -> Iterator[tuple[str, str]]:
    """What ``serve`` cannot do without, though the configuration is right in itself."""
    if settings.upstream.url is None:
        message = (
            "says which server to deliver to and is not set: give --upstream URL, "
            "ENROLLMENT_GATEWAY__UPSTREAM__URL, or url under [upstream]"
        )
        yield "upstream.url", message
    for key, value in flat(settings).items():
        if isinstance(value, Path) and key not in MADE and not value.is_file():
            made = "; `enrollment-gateway stations add NAME` makes it" if "tokens" in key else ""
            yield key, f"there is no file {value}{made}"


def advice(settings: Settings) -> Iterator[tuple[str, str]]:
    """What works, but hardly as it was meant."""
    intake, upstream = settings.intake, settings.upstream
    if intake.max_inflight_bytes < intake.max_body_bytes:
        yield (
            "intake.max_inflight_bytes",
            "is less than intake.max_body_bytes: the largest bodies are always refused",
        )
    if not upstream.honours_idempotency_key and upstream.lookup_path is None:
        message = (
            "is not set, and the server does not honour the key: every enrollment in doubt "
            "becomes a dead letter for a person"
        )
        yield "upstream.lookup_path", message
    if not intake.listen.loopback and intake.tls_certificate is None:
        yield (
            "intake.tls_certificate",
            "is not set: enrollments and tokens cross the network in plain text",
        )
    if not settings.admin.listen.loopback:
        yield "admin.listen", "other machines can reach it, and the admin token is sent in plain"
