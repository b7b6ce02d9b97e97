"""The dashboards are what Grafana's own types say: checked by the TypeScript compiler."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.pages import PAGES, panels
from tests.grafana.tools import need

TYPES = Path(__file__).parent / "types"
SETTINGS = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": [],
    }
}
# Grafana keeps the options of each panel type apart from the dashboard.
OF_PANELS = {
    "stat": ("Stat", False),
    "timeseries": ("TimeSeries", True),
    "state-timeline": ("StateTimeline", True),
}
_COMPOSABLE = "./node_modules/@grafana/schema/dist/types/raw/composable"
HEAD = f"""
import type * as Stat from '{_COMPOSABLE}/stat/panelcfg/x/types.gen';
import type * as StateTimeline from '{_COMPOSABLE}/statetimeline/panelcfg/x/types.gen';
import type * as TimeSeries from '{_COMPOSABLE}/timeseries/panelcfg/x/types.gen';
import type {{ Loose, Page }} from './loose';
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the compiler and the types, outside the repository."""
    npm = need("npm", "npm")
    folder = tmp_path_factory.mktemp("types")
    for name in ("package.json", "loose.ts"):
        shutil.copy(TYPES / name, folder)
    (folder / "tsconfig.json").write_text(json.dumps(SETTINGS))
    words = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(
        [npm, *words], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode:
        assert os.environ.get("CI") != "true", done.stderr[-2000:]
        pytest.skip(f"npm could not fetch the types: {done.stderr[-300:]}")
    return folder


def declarations(page: dict[str, Any]) -> Iterator[str]:
    """The page, and its panels' own options, each as a constant of its type."""
    yield _constant("page", "Page", page)
    for panel in panels(page):
        name, has_fields = OF_PANELS[panel["type"]]
        number = panel["id"]
        yield _constant(f"options{number}", f"{name}.Options", panel["options"])
        if has_fields:
            custom = panel["fieldConfig"]["defaults"]["custom"]
            yield _constant(f"custom{number}", f"{name}.FieldConfig", custom)


def _constant(name: str, kind: str, value: dict[str, Any]) -> str:
    # What is left out has a default there.
    return f"export const {name}: Partial<Loose<{kind}>> = {json.dumps(value, indent=1)};"


def complaints(workshop: Path, pages: dict[str, dict[str, Any]]) -> list[str]:
    """What the compiler says of them."""
    for old in workshop.glob("page-*.ts"):
        old.unlink()
    for name, page in pages.items():
        text = "\n".join([HEAD, *declarations(page)])
        (workshop / f"page-{name}.ts").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [workshop / "node_modules/.bin/tsc", "--project", "."],
        cwd=workshop,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if re.match(r"\S+\.ts\(", line)]
    assert (done.returncode == 0) == (not found), done.stdout + done.stderr
    return found


@pytest.mark.timeout(500)
def test_every_dashboard_is_of_grafanas_types(workshop: Path) -> None:
    assert complaints(workshop, PAGES) == []


@pytest.mark.timeout(300)
def test_a_slip_of_the_pen_is_found(workshop: Path) -> None:
    page = json.loads(json.dumps(PAGES["risk"]))
    drawn = next(panel for panel in page["panels"] if panel["type"] == "timeseries")
    drawn["options"]["legend"]["displayMode"] = "tabel"
    drawn["fieldConfig"]["defaults"]["color"]["mode"] = "palete-classic"
    page["schemaVersion"] = "41"
    found = "\n".join(complaints(workshop, {"slipped": page}))
    for slip in ('"tabel"', "palete-classic", "'string' is not assignable to type 'number'"):
        assert slip in found, found
