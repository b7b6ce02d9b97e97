"""The compose file: read by the real Compose, profile by profile, and by a linter."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PROFILES = {
    (): {"gateway"},
    ("alone",): {"gateway"},
    ("shared",): {"gateway-1", "gateway-2", "postgres"},
    ("lab",): {"gateway", "server", "locust", "locust-worker"},
    ("monitoring",): {"prometheus", "alertmanager", "grafana"},
}
EVERYTHING = ("alone", "shared", "lab", "monitoring")


def compose(*profiles: str) -> dict[str, Any]:
    """What Compose makes of the file."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        [TOOLS / "docker-compose", *chosen, "config", "--format", "json"],
        cwd=ROOT,
        env={"UPSTREAM_URL": "https://recording.example"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Every service of every profile."""
    found: dict[str, dict[str, Any]] = compose(*EVERYTHING)["services"]
    return found


@pytest.mark.parametrize(("profiles", "wanted"), PROFILES.items())
def test_each_profile_starts_what_it_says(profiles: tuple[str, ...], wanted: set[str]) -> None:
    assert set(compose(*profiles)["services"]) == wanted


def test_no_service_has_more_than_it_needs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] not in {"", "0", "root"}, name
        assert int(service["mem_limit"]) <= 1 << 30, name
        assert service["cpus"] <= 1, name
        assert service["pids_limit"] <= 128, name
        assert "healthcheck" in service, name


def test_every_port_is_published_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) >= 8
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_every_image_has_an_exact_version(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", service["image"]), name


def test_secrets_are_files_and_no_setting_holds_one(services: dict[str, dict[str, Any]]) -> None:
    secrets = compose(*EVERYTHING)["secrets"]
    made = (ROOT / "deploy/secrets.sh").read_text()
    for name, secret in secrets.items():
        assert secret["file"].endswith(f"/deploy/secrets/{name}")
        assert f"make {name} " in made
    for service in services.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASS|TOKEN|SECRET", variable):
                assert value.startswith("/run/secrets/"), variable
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_file_that_a_service_is_given_is_in_the_repository(
    services: dict[str, dict[str, Any]],
) -> None:
    mounts = [one for service in services.values() for one in service.get("volumes", [])]
    bound = [one for one in mounts if one["type"] == "bind"]
    assert bound
    for mount in bound:
        assert Path(mount["source"]).exists()
        assert mount["read_only"] is True


def test_the_shared_gateways_differ_in_their_ports_only(
    services: dict[str, dict[str, Any]],
) -> None:
    one, other = (
        {key: value for key, value in services[name].items() if key not in {"ports", "depends_on"}}
        for name in ("gateway-1", "gateway-2")
    )
    assert one == other
    assert one["environment"]["ENROLLMENT_GATEWAY__JOURNAL__URL"].startswith("postgresql://")


def test_compose_lint_finds_nothing() -> None:
    done = subprocess.run(
        [TOOLS / "compose-lint", "check", "--fail-on", "low", "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "docker-compose.yml: 0 issues" in done.stdout
