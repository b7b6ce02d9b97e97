"""The OpenAPI descriptions say what the code does: paths, methods, problems, documents, headers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.core.lifecycle import Status
from gateway.core.problems import PAGES, ProblemType, status_of
from gateway.intake import visit
from gateway.intake.receipt_resource import BY_KEY, JWKS
from gateway.intake.replies import RECEIPTS
from tests.admin.office import Office, open_office
from tests.support.door import open_door
from tests.support.openapi import OPERATORS, STATIONS, description


def properties(of: dict[str, Any], name: str) -> set[str]:
    return set(of["components"]["schemas"][name]["properties"])


def problems(of: dict[str, Any]) -> set[str]:
    named = of["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    return {each.removeprefix(PAGES) for each in named}


def answers(of: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every described answer, by its status."""
    for path in of["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                name = answer.get("$ref", "").rpartition("/")[2]
                yield status, of["components"]["responses"][name] if name else answer


def test_every_problem_is_described_where_it_can_come_with_its_status() -> None:
    stations, operators = description(STATIONS), description(OPERATORS)
    assert problems(stations) == set(ProblemType) - {ProblemType.CONFLICT}
    assert problems(stations) | problems(operators) == set(ProblemType)
    for of in (stations, operators):
        for status, answer in answers(of):
            for name in re.findall(r"`([a-z-]+)`", answer["description"]):
                if name in set(ProblemType):
                    assert status == str(status_of(ProblemType(name))), name


async def test_the_stations_own_paths_are_all_there(tmp_path: Path) -> None:
    described = description(STATIONS)["paths"]
    own = {BY_KEY, JWKS, RECEIPTS + "{id}", PAGES + "{name}"}
    assert {path for path in described if path.startswith("/_gateway/")} == own
    async with open_door(tmp_path) as door:
        accepted = await door.ask(headers={"Prefer": "respond-async", "Idempotency-Key": "k"})
        for path in own:
            asked = path.replace("{id}", accepted.json["id"]).replace("{name}", "not-found")
            asked += "?idempotency_key=k" if path == BY_KEY else ""
            assert (await door.ask("GET", asked, body=None)).status == 200, path


async def test_a_receipt_has_what_is_described_and_its_headers(tmp_path: Path) -> None:
    described = description(STATIONS)
    async with open_door(tmp_path) as door:
        accepted = await door.ask(headers={"Prefer": "respond-async"})
    assert accepted.json.keys() == properties(described, "Receipt")
    promised = described["paths"]["/{path}"]["post"]["responses"]["202"]["headers"]
    for name, header in promised.items():
        assert not header["required"] or name in accepted.headers, name
    statuses = described["components"]["schemas"]["Receipt"]["properties"]["status"]["enum"]
    assert statuses == [each.value for each in Status]


def test_every_header_that_intake_understands_is_described() -> None:
    source = Path(visit.__file__).read_text("utf-8")
    read = set(re.findall(r'said\["([a-z-]+)"\]', source))
    described = description(STATIONS)["components"]["parameters"].values()
    assert read <= {each["name"].lower() for each in described if each["in"] == "header"}
    assert {"idempotency-key", "ordering-key", "prefer", "priority"} <= read


async def test_the_operators_paths_and_methods_are_those_of_the_router() -> None:
    async with open_office() as office:
        app = office.client.app
        assert isinstance(app, web.Application)
        routed = {
            (route.resource.canonical, route.method.lower())
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    described = {
        (path, method) for path, item in description(OPERATORS)["paths"].items() for method in item
    }
    assert routed == described


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("status", "Status"),
        ("reconciliation", "Reconciliation"),
        ("enrollments", "Enrollment"),
        ("audit", "AuditRecord"),
    ],
)
async def test_the_operators_documents_have_what_is_described(path: str, schema: str) -> None:
    described = description(OPERATORS)
    async with open_office() as office:
        await seen(office)
        document = await office.get(path)
    one = document["items"][0] if "items" in document else document
    assert one.keys() == properties(described, schema)


async def test_readiness_has_what_is_described() -> None:
    async with open_office() as office:
        answer = await (await office.client.get("/readyz")).json()
    assert answer.keys() == properties(description(OPERATORS), "Ready")


async def seen(office: Office) -> None:
    """One enrollment, and one act."""
    await office.keep()
    await office.post("pause", {"reason": "a move"})
