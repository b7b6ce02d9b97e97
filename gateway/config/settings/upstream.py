"""Settings of the side where the recording server is."""

from pathlib import Path

from pydantic import Field

from gateway.config.settings.section import Section
from gateway.config.values import LookupPath, UpstreamUrl


class Upstream(Section):
    """The recording server."""

    url: UpstreamUrl | None = Field(
        default=None,
        examples=["https://recording.example"],
        description="Base URL of the recording server; path and query are appended as received. "
        "The only setting that serve cannot do without.",
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Longest time of one attempt. A slot of an attempt without an answer stays "
        "taken this long, for the server may still be working on it.",
    )
    connect_timeout_seconds: float = Field(
        default=5,
        gt=0,
        le=300,
        description="Longest time to connect, TLS included. Nothing was sent yet, so that giving "
        "up early costs nothing.",
    )
    honours_idempotency_key: bool = Field(
        default=True,
        description="The server makes one effect of the same key sent twice. If false, an "
        "enrollment in doubt is looked up, or waits for a person; it is never sent again blindly.",
    )
    lookup_path: LookupPath | None = Field(
        default=None,
        examples=["/enrollments/by-key/{key}"],
        description="Where to ask whether a key was recorded: 200 yes, 404 no. Settles doubt "
        "without sending again.",
    )
    settle_seconds: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="A lookup's 404 counts only this long after the attempt: a slow server may "
        "record late.",
    )
    max_window: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="Most enrollments outstanding at the server, however well it does. The "
        "gateway finds the right number below it by itself.",
    )
    ca: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/server-ca.pem"],
        description="Authorities that the server's certificate is checked against, PEM; else "
        "those of the machine.",
    )
    client_certificate: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/client.pem"],
        description="The gateway's own client certificate for the server, PEM.",
    )
    client_key: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/client-key.pem"],
        description="Private key of upstream.client_certificate, PEM.",
    )
    authorization_file: Path | None = Field(
        default=None,
        examples=["/run/secrets/upstream-authorization"],
        description="Holds the gateway's own credential, sent as Authorization and read again "
        "when it changes. A stored enrollment outlives a station's login.",
    )


class Retry(Section):
    """When a failed attempt is made again."""

    base_seconds: float = Field(
        default=1,
        gt=0,
        le=3600,
        description="Most before the second attempt; doubled for each further one. Full jitter: "
        "the wait is drawn between 0 and this, so that a crowd does not come back at once.",
    )
    cap_seconds: float = Field(
        default=60,
        gt=0,
        le=86_400,
        description="Most between two attempts.",
    )
    max_age_seconds: float = Field(
        default=604_800,
        gt=0,
        description="Age at which an undelivered enrollment becomes a dead letter, for a person "
        "to decide: kept, never dropped. A week outlasts any outage known.",
    )
