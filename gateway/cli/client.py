"""A small client of the admin listener: one request, one answer, clear faults.

Must not know what is asked or how it is shown.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import typer

from gateway.cli.exits import Failure
from gateway.cli.given import configuration
from gateway.cli.http import Answer, Unreachable, is_url, request

TOKEN_VARIABLE: Final = "ENROLLMENT_GATEWAY_ADMIN_TOKEN"  # noqa: S105 - a name, not a token
API: Final = "/admin/v1/"


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Talks to one admin listener. ``token``: of the operator; None where none is needed."""

    url: str
    token: str | None = field(default=None, repr=False)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask the admin API; None values in ``query`` are left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        asked = f"?{urlencode(given, doseq=True)}" if given else ""
        return self._document(self.send("GET", f"{API}{path}{asked}"))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Order something of the admin API."""
        return self._document(self.send("POST", f"{API}{path}", json.dumps(body or {})))

    def send(self, method: str, path: str, body: str | None = None) -> Answer:
        """One request.

        Raises:
            Failure: nobody answers.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return request(method, self.url.rstrip("/") + path, headers=headers, body=body)
        except Unreachable as error:
            raise Failure(
                f"No answer from the admin listener at {self.url}: {error}.\n"
                "Is the gateway running there? Another place: --admin URL."
            ) from None

    def _document(self, answer: Answer) -> dict[str, Any]:
        try:
            document = json.loads(answer.body)
        except ValueError:
            document = None
        if answer.status == 401:
            raise Failure(
                f"{self.url} does not take this admin token. Give the right one by "
                f"{TOKEN_VARIABLE} or --token-file FILE."
            )
        if not isinstance(document, dict):
            raise Failure(
                f"{self.url} answered {answer.status} without JSON. Is it the admin listener?"
            )
        if answer.status >= 400:
            said = document.get("detail") or document.get("title") or "no reason given"
            raise Failure(f"Refused ({answer.status}): {said}")
        return document


def connect(admin: str | None, token_file: Path | None, config: Path | None) -> AdminClient:
    """A client for the listener and the token that were given, or that the configuration names."""
    from gateway.config import paths

    settings = configuration(config).settings
    url = _checked(admin) if admin else f"http://{settings.admin.listen.reachable}"
    token = None if token_file else os.environ.get(TOKEN_VARIABLE)
    return AdminClient(url, token or _read(token_file or paths(settings).admin_token))


def connect_openly(admin: str | None, config: Path | None) -> AdminClient:
    """A client for what needs no token: health."""
    return AdminClient(
        _checked(admin)
        if admin
        else f"http://{configuration(config).settings.admin.listen.reachable}"
    )


def _checked(url: str) -> str:
    if not is_url(url):
        raise typer.BadParameter(
            "must be a URL such as http://127.0.0.1:9090", param_hint="--admin"
        )
    return url


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Failure(
            f"No admin token: {file} cannot be read ({error.strerror}).\n"
            f"Give it by {TOKEN_VARIABLE} or --token-file FILE, or run this where the gateway runs."
        ) from None
