"""`python -m grafana.generator`: writes `grafana/dashboards/`, or tells what is out of date."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from grafana.generator.boards import BOARDS
from grafana.generator.page import text

DASHBOARDS: Final = Path(__file__).parent.parent / "dashboards"
PREFIX: Final = "enrollment-gateway-"


def files() -> Iterator[tuple[Path, str]]:
    """Yield every dashboard's place, under the root of all, and text."""
    for board in BOARDS:
        yield Path(board.folder) / f"{board.uid.removeprefix(PREFIX)}.json", text(board)


def stale(root: Path) -> list[Path]:
    """List the files that differ from what would be written, are missing, or are not ours."""
    wanted = {root / place: content for place, content in files()}
    present = set(root.rglob("*.json"))
    return sorted(
        path
        for path in wanted.keys() | present
        if path not in present or wanted.get(path) != path.read_text(encoding="utf-8")
    )


def write(root: Path) -> None:
    """Write every dashboard, and remove those that are described no longer."""
    for place, content in files():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(content, encoding="utf-8")
    for path in stale(root):
        path.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1: `--check` found files that are out of date."""
    parser = argparse.ArgumentParser(prog="python -m grafana.generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a change")
    parser.add_argument("--root", type=Path, default=DASHBOARDS, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.root)
        return 0
    for path in (found := stale(options.root)):
        sys.stderr.write(f"{path} is out of date: run `python -m grafana.generator`\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
