"""What a command prints: masked text, JSON and tables. Must not know what it is about."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from gateway.core.masking import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

NOTHING = "-"
# Where nobody looks at the width, a row stays on one line for `grep` and `awk`.
UNBOUNDED = 240
EVERY_SECONDS = 0.5


def say(text: str) -> None:
    """One line for people."""
    typer.echo(clean(text))


def say_json(document: object) -> None:
    """A document for machines."""
    typer.echo(json.dumps(_masked(document), indent=2))


def progress(verb: str) -> Callable[[int, int], None]:
    """Tells how far long work is: a line on a terminal's standard error, nothing elsewhere."""
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - told < EVERY_SECONDS and done < total):
            return
        told = now
        typer.echo(f"\r{done:,} of {total:,} {verb}", err=True, nl=done >= total)

    return tell


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "RenderableType":
    """A plain table; None shows as a dash, numbers stand to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    body = [list(row) for row in rows]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        numbers = all(isinstance(row[place], int | float) for row in body)
        made.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in body:
        made.add_row(*(Text(NOTHING if each is None else clean(str(each))) for each in row))
    return made


def show(picture: "RenderableType") -> None:
    """Print a table or a picture."""
    console().print(picture)


def console() -> "Console":
    """Standard output, as wide as it needs to be where it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else UNBOUNDED, highlight=False)


def moment(iso: str | None) -> str | None:
    """A time of the API in the reader's own zone, to the second."""
    if iso is None:
        return None
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float | None) -> str:
    """A duration for people: ``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``4 d 3 h``."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for place, (name, size) in enumerate(units):
        if whole >= size:
            rest = whole % size // units[place + 1][1] if size > 1 else 0
            return f"{whole // size} {name}" + (f" {rest} {units[place + 1][0]}" if rest else "")
    return "0 s"


def volume(size: float | None) -> str:
    """Bytes for people, in powers of 1000."""
    if size is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _masked(document: object) -> object:
    match document:
        case dict():
            return {key: _masked(value) for key, value in document.items()}
        case list() | tuple():
            return [_masked(each) for each in document]
        case str():
            return clean(document)
        case float():
            return round(document, 3)  # more digits say nothing, and 16 look like a NIK
        case _:
            return document
