"""Every setting: its unit in its name, its range, its default and the reason, at the field.

Must not know where a value comes from (that is ``loading``) nor how two of them fit together
(that is ``rules``).
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gateway.config.values import (
    CollectorUrl,
    JournalUrl,
    Listen,
    LookupPath,
    RoutePath,
    Rows,
    UpstreamUrl,
)

Method: TypeAlias = Literal["POST", "PUT", "PATCH", "DELETE"]


class Section(BaseModel):
    """A group of settings: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _tells_true_from_one(cls, value: object, info: ValidationInfo) -> object:
        """Refuse ``true`` where a number is meant: it would be read as 1."""
        kind = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and kind is not bool:
            raise ValueError("must not be true or false")
        return value


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


class RouteSettings(Section):
    """How to treat the requests of some paths. The first route that fits is taken."""

    path: RoutePath = Field(
        examples=["/login"],
        description="Glob over the path without its query; * fits any characters, / among them.",
    )
    methods: tuple[Method, ...] = Field(
        default=("POST", "PUT", "PATCH", "DELETE"),
        min_length=1,
        description="Methods it is for. Reads are always relayed and need no route.",
    )
    mode: Literal["journal", "relay"] = Field(
        default="journal",
        description="relay: for what must be neither kept nor repeated, a login or a search.",
    )
    hold_seconds: float | None = Field(
        default=None,
        ge=0,
        le=300,
        examples=[2],
        description="Instead of intake.hold_seconds.",
    )
    priority: int | None = Field(
        default=None,
        ge=0,
        le=7,
        examples=[5],
        description="0 (most urgent) to 7, for requests without a Priority header.",
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


class Journal(Section):
    """The durable store of enrollments."""

    url: JournalUrl = Field(
        default="sqlite:///enrollment-journal.db",
        description="sqlite:///FILE; three slashes: relative to the working directory, four: "
        "absolute. On a local disk: a network file system does not keep what it promised. Or "
        "postgresql://USER@HOST,HOST/DATABASE, one or several hosts, where several gateways share "
        "one journal; see docs/postgresql.md.",
    )
    max_bytes: int = Field(
        default=21_474_836_480,
        ge=65_536,
        description="Largest size of the journal; above: 503 journal-full. 20 GB hold some "
        "30,000 full packets.",
    )
    min_free_bytes: int = Field(
        default=536_870_912,
        ge=0,
        description="Space to leave free on its disk; below: 503 journal-full. Outcomes must "
        "still be written when nothing more can be accepted.",
    )
    retention_seconds: float = Field(
        default=604_800,
        gt=0,
        description="How long answers and keys are kept after a final status, for stations that "
        "ask late. A key never expires while its enrollment is not final.",
    )
    key_file: Path | None = Field(
        default=None,
        examples=["/var/lib/enrollment-gateway/keys.json"],
        description="Keys that the journal's content is encrypted with. Default: the journal's "
        "file name with .keys.json, made on the first start. Without it the journal is lost: "
        "keep a copy elsewhere.",
    )


class Receipts(Section):
    """The signed promises that stations get."""

    key_file: Path | None = Field(
        default=None,
        examples=["/var/lib/enrollment-gateway/receipts.json"],
        description="Ed25519 keys that sign receipts. Default: the journal's file name with "
        ".receipts.json, made on the first start.",
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


class Admin(Section):
    """The listener for operators, probes and metrics."""

    listen: Listen = Field(
        default="127.0.0.1:9090",
        validate_default=True,
        description="Admin listener, HOST:PORT. /admin/ always needs the token; health and "
        "metrics are open.",
    )
    token_file: Path | None = Field(
        default=None,
        examples=["/run/secrets/enrollment-gateway-admin-token"],
        description="Holds the admin token. Default: the journal's file name with .admin-token, "
        "made on the first start.",
    )


class Log(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is written."
    )
    format: Literal["json", "console"] | None = Field(
        default=None,
        examples=["json"],
        description="json: one object a line, for machines; console: for people. Default: json, "
        "and console on a terminal.",
    )


class Tracing(Section):
    """What each enrollment took, for a collector of traces. It never holds what was enrolled."""

    url: CollectorUrl | None = Field(
        default=None,
        examples=["http://127.0.0.1:4318/v1/traces"],
        description="Traces endpoint of an OpenTelemetry collector, OTLP over HTTP. Not set: no "
        "tracing, at no cost. Needs the packages of enrollment-gateway[tracing].",
    )
    sample_ratio: float = Field(
        default=1,
        ge=0,
        le=1,
        description="Share of the traces begun here that are sent; of its own traces a station "
        "says so in traceparent. Below 1 where many stations send and a few traces tell enough.",
    )
    max_waiting_spans: int = Field(
        default=2048,
        ge=1,
        description="Spans that wait for the collector at once; one too many is dropped and "
        "counted. Bounds the memory that a collector's absence takes.",
    )


class Settings(Section):
    """All of it. The defaults are enough for ``serve --upstream URL`` on a laptop."""

    intake: Intake = Intake()
    upstream: Upstream = Upstream()
    routes: Annotated[tuple[RouteSettings, ...], Rows] = Field(
        default=(),
        description="How to treat some paths; first match wins. Without a route every "
        "state-changing request is kept in the journal.",
    )
    retry: Retry = Retry()
    journal: Journal = Journal()
    receipts: Receipts = Receipts()
    stations: Stations = Stations()
    admin: Admin = Admin()
    log: Log = Log()
    tracing: Tracing = Tracing()
