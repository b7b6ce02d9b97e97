"""The two OpenAPI descriptions, read."""

import importlib
from pathlib import Path
from typing import Any, Final

import pytest

import gateway

ROOT: Final = Path(gateway.__file__).parent
STATIONS: Final = ROOT / "intake" / "openapi.yaml"
OPERATORS: Final = ROOT / "admin" / "openapi.yaml"


def description(file: Path) -> dict[str, Any]:
    """What it says."""
    yaml = pytest.importorskip("yaml", reason="make setup brings it, with schemathesis")
    found = importlib.import_module(yaml.__name__).safe_load(file.read_text("utf-8"))
    assert isinstance(found, dict)
    return found
