"""Small pieces of HTML: tables, lists, tiles, and the page around them. Pure but for its templates.

Every text that is not markup is escaped here. The page fetches nothing: it opens offline.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple

_PAGES = files("loadtests.pages")


class Cell(NamedTuple):
    """A table cell: its text, already safe if `markup`, and its CSS classes."""

    text: str
    css: str = ""
    markup: bool = False


def number(text: str, *, bad: bool = False) -> Cell:
    """A right-aligned figure, red if bad."""
    return Cell(text, "number bad" if bad else "number")


def fill(template: str, /, **parts: str) -> str:
    """A template of `pages/`, filled; every part must be safe HTML."""
    return Template((_PAGES / template).read_text(encoding="utf-8")).substitute(parts)


def page(title: str, body: str, *, layout: str = "") -> str:
    """A whole page with its style and script inside."""
    css, js = ((_PAGES / f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return fill("page.html", title=escape(title), body=body, css=css, js=js, layout=layout)


def table(head: Sequence[Cell | str], rows: Iterable[Sequence[Cell | str]]) -> str:
    """A table with one head row."""
    body = "".join(f"<tr>{''.join(_cell('td', cell) for cell in row)}</tr>" for row in rows)
    heads = "".join(_cell("th", cell) for cell in head)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, cell: Cell | str) -> str:
    cell = Cell(cell) if isinstance(cell, str) else cell
    css = f' class="{cell.css}"' if cell.css else ""
    return f"<{tag}{css}>{cell.text if cell.markup else escape(cell.text)}</{tag}>"


def bullets(items: Iterable[str]) -> str:
    """A list of texts in code type, since they name keys."""
    return f"<ul>{''.join(f'<li><code>{escape(item)}</code></li>' for item in items)}</ul>"


def tiles(entries: Mapping[str, tuple[str, bool]]) -> str:
    """Big figures: label to (figure, whether it is bad)."""
    return "".join(
        f"<div{' class=bad' if bad else ''}><dt>{escape(label)}</dt><dd>{escape(figure)}</dd></div>"
        for label, (figure, bad) in entries.items()
    )


def pairs(data: Mapping[str, object]) -> str:
    """A two-column table of names and values; nested tables become dotted names."""
    return table(("", ""), ((name, Cell(value)) for name, value in _flat(data)))


def _flat(data: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            for index, item in enumerate(value, start=1):
                yield from _flat(item, f"{prefix}{name} {index}.")
        elif value is not None:
            yield f"{prefix}{name}", str(value)
