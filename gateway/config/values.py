"""The kinds of values that settings have: how each is read, checked and described."""

import json
import re
from pathlib import PurePath
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from gateway.config.address import Address
from gateway.config.schemes import POSTGRESQL, SQLITE

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def _address(value: object) -> Address:
    return value if isinstance(value, Address) else Address.parse(str(value))


def _upstream_url(value: str) -> str:
    parts = _http_url(value, such_as="https://recording.example/api")
    if "@" in parts.netloc:
        raise ValueError("must hold no credentials; put them into upstream.authorization_file")
    if "?" in value or "#" in value:
        raise ValueError("must end with its path: a query comes from each request, unchanged")
    return value.rstrip("/")


def _collector_url(value: str) -> str:
    parts = _http_url(value, such_as="http://127.0.0.1:4318/v1/traces")
    if "@" in parts.netloc:
        raise ValueError("must hold no credentials; a collector on this machine needs none")
    if not parts.path.strip("/"):
        raise ValueError("must name the path that takes traces, usually /v1/traces")
    return value


def _http_url(value: str, *, such_as: str) -> SplitResult:
    wrong = f"must be http:// or https:// with a host, such as {such_as}"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(wrong)
    return parts


def _journal_url(value: str) -> str:
    if value.startswith(POSTGRESQL):
        return _postgresql_url(value)
    path = value.removeprefix(SQLITE)
    if path == value:
        raise ValueError(
            "must be sqlite:///FILE (three slashes: relative, four: absolute) or postgresql://…"
        )
    if path.startswith(":") or not PurePath(path).name or path.endswith("/"):
        raise ValueError("must name a file: what is kept in memory is lost with the process")
    return value


def _postgresql_url(value: str) -> str:
    wrong = "must name hosts and a database: postgresql://USER@HOST:PORT,HOST:PORT/DATABASE"
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(wrong) from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not all(_HOST.fullmatch(host) for host in hosts) or not parts.path.strip("/"):
        raise ValueError(wrong)
    return value


def _lookup_path(value: str) -> str:
    if not value.startswith("/") or value.count("{key}") != 1:
        raise ValueError("must begin with / and hold {key} once, as /enrollments/by-key/{key}")
    return value


def _route_path(value: str) -> str:
    if not value.startswith(("/", "*")):
        raise ValueError("must begin with / or *, such as /login or /search/*")
    return value


def _rows(value: object) -> object:
    """A list as it is, or as JSON text: a variable can hold nothing else."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError('must be a JSON list, such as [{"path": "/login"}]') from None


Listen = Annotated[
    Address,
    BeforeValidator(_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^.+:\d+$"}),
]
CollectorUrl = Annotated[str, AfterValidator(_collector_url)]
UpstreamUrl = Annotated[str, AfterValidator(_upstream_url)]
JournalUrl = Annotated[str, AfterValidator(_journal_url)]
LookupPath = Annotated[str, AfterValidator(_lookup_path)]
RoutePath = Annotated[str, AfterValidator(_route_path)]
Rows = BeforeValidator(_rows)
