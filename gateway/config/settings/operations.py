"""Settings of what operators see: admin listener, log, traces."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.config.settings.section import Section
from gateway.config.values import CollectorUrl, Listen


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
