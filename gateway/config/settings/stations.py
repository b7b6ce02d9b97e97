"""Settings of the side where stations are: the listener, who may come, what they get."""

from pathlib import Path

from pydantic import Field

from gateway.config.settings.section import Section
from gateway.config.values import Listen


class Intake(Section):
    """The public listener, where stations come in."""

    listen: Listen = Field(
        default="127.0.0.1:8080",
        validate_default=True,
        description="Public listener, HOST:PORT. Loopback, so that a first try is open to nobody "
        "else; another address needs stations.tokens_file, intake.client_ca or "
        "intake.allow_anonymous.",
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Serve other machines without asking who they are. Only behind something "
        "that does ask.",
    )
    hold_seconds: float = Field(
        default=10,
        ge=0,
        le=300,
        description="Longest time a live enrollment waits for the server's own answer; then it "
        "gets its receipt. Long enough for a busy server, shorter than an officer's patience.",
    )
    max_body_bytes: int = Field(
        default=8_388_608,
        ge=1,
        le=1_073_741_824,
        description="Largest body; above: 413. The largest packets known are 5 MB.",
    )
    max_inflight_bytes: int = Field(
        default=268_435_456,
        ge=1,
        description="Bodies in memory at once; above: 503 with Retry-After. Bounds what a surge "
        "can take of the machine.",
    )
    max_connections: int = Field(
        default=10_000,
        ge=1,
        description="Connections of stations at once. One too many takes the place of the one "
        "that has been idle longest; where none is idle: 503 with Retry-After. Fewer where the "
        "limit of open files (ulimit -n, LimitNOFILE) allows fewer; that is logged at the start.",
    )
    header_timeout_seconds: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Longest time for a request's headers. They are small on any line.",
    )
    body_idle_timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Longest silence within a body. A line of 128 kbit/s is normal, silence is "
        "not, so there is no limit for the whole upload.",
    )
    require_idempotency_key: bool = Field(
        default=False,
        description="Refuse an enrollment without an Idempotency-Key with 400. Without it the "
        "gateway makes a key from station, method, path and body.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/certificate.pem"],
        description="Certificate chain, PEM; with intake.tls_key it turns TLS on.",
    )
    tls_key: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/key.pem"],
        description="Private key of intake.tls_certificate, PEM.",
    )
    client_ca: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/tls/stations-ca.pem"],
        description="Ask stations for a client certificate signed by these authorities, PEM.",
    )


class Stations(Section):
    """Who may send enrollments."""

    tokens_file: Path | None = Field(
        default=None,
        examples=["/etc/enrollment-gateway/stations.json"],
        description="Hashed tokens of the stations, written by `enrollment-gateway stations "
        "add`. With it every request needs a token.",
    )
    max_inflight_requests: int = Field(
        default=256,
        ge=1,
        description="Requests of one station in hand at once, long polls among them; above: 429. "
        "`stations add --max-inflight` gives a station a limit of its own. Anonymous ones cannot "
        "be told apart and have none.",
    )
    max_requests_per_second: float | None = Field(
        default=None,
        gt=0,
        examples=[20],
        description="Requests of one station per second, bursts of one second allowed; above: "
        "429 with Retry-After. Default: not limited. `stations add --per-second` gives a station "
        "one of its own. A desk records a citizen in minutes.",
    )


class Receipts(Section):
    """The signed promises that stations get."""

    key_file: Path | None = Field(
        default=None,
        examples=["/var/lib/enrollment-gateway/receipts.json"],
        description="Ed25519 keys that sign receipts. Default: the journal's file name with "
        ".receipts.json, made on the first start.",
    )
