"""Reads the committed dashboards: every panel, every expression."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2] / "grafana"
FILES = sorted((ROOT / "dashboards").rglob("*.json"))
PAGES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES
}


def panels(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Every panel that shows something: headings left out."""
    return [panel for panel in page["panels"] if panel["type"] != "row"]


def every_panel() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with a name for messages."""
    for name, page in PAGES.items():
        for panel in panels(page):
            yield f"{name}: {panel['title']}", panel


def every_expression() -> Iterator[tuple[str, str]]:
    """Every expression of panels and annotations with a name for messages."""
    for name, panel in every_panel():
        yield from ((name, target["expr"]) for target in panel["targets"])
    for name, page in PAGES.items():
        for annotation in page["annotations"]["list"]:
            yield f"{name}: {annotation['name']}", annotation["target"]["expr"]
