"""A figure's ratios as a picture: a bar for each row, its spread, and its goal. Pure."""

from html import escape
from typing import Final

from benchmarks.results import Figure, Row

_LEFT, _BAR, _STEP, _TOP = 190, 430, 26, 34
_WIDTH: Final = _LEFT + _BAR + 90


def svg(figure: Figure) -> str | None:
    """The picture; None: the figure has no ratios."""
    rows = [row for row in figure.rows if row.ratio is not None]
    if not rows:
        return None
    most = 1.1 * max(
        max(_shown(row), row.goal or 0.0, row.ratio.greatest if row.ratio else 0.0) for row in rows
    )
    height = _TOP + _STEP * len(rows) + 8
    legend = "ratio; thin line: by the clock, least to greatest; dashed: goal"
    box = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12" role="img"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f"<title>{escape(figure.title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="18" font-size="13">{escape(figure.title)}: {legend}</text>',
    ]
    for number, row in enumerate(rows):
        parts += _bar(row, _TOP + _STEP * number, _BAR / most)
    return "\n".join([*parts, "</svg>", ""])


def _shown(row: Row) -> float:
    found = row.by_cpu or row.ratio
    return found.median if found is not None else 0.0


def _bar(row: Row, top: int, scale: float) -> list[str]:
    value = _shown(row)
    wide = value * scale
    colour = {True: "#2a7f62", False: "#b5482f", None: "#5b6f8f"}[row.met]
    parts = [
        f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(row.name)}</text>',
        f'<rect x="{_LEFT}" y="{top + 3}" width="{wide:.1f}" height="14" fill="{colour}"/>',
        f'<text x="{_LEFT + wide + 6:.1f}" y="{top + 14}">{value:.2f}</text>',
    ]
    if row.ratio is not None:
        start, end = _LEFT + row.ratio.least * scale, _LEFT + row.ratio.greatest * scale
        parts.append(
            f'<path d="M{start:.1f} {top + 20}H{end:.1f}" stroke="#444" stroke-width="1.5"/>'
        )
    if row.goal is not None:
        at = _LEFT + row.goal * scale
        parts.append(f'<path d="M{at:.1f} {top}V{top + 22}" stroke="#111" stroke-dasharray="3 2"/>')
    return parts
