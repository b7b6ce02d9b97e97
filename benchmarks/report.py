"""Figures as text for a terminal."""

from benchmarks.results import Figure, Row
from benchmarks.statistics import Spread


def text(figure: Figure) -> str:
    """A few lines: each row with its goal beside it."""
    return "\n".join((f"{figure.number}. {figure.title}", *map(_line, figure.rows)))


def _line(row: Row) -> str:
    parts = [f"  {row.name:<10} {amount(row.ours.median)} {row.unit}"]
    if row.bare is not None:
        parts.append(f"against {amount(row.bare.median)}")
    if row.ratio is not None:
        parts.append(f"ratio {_spread(row.ratio)}")
    if row.by_cpu is not None:
        parts.append(f"by processor time {_spread(row.by_cpu)}")
    if row.cpu is not None:
        ours, bare = row.cpu
        parts.append(f"{amount(ours.median)} against {amount(bare.median)} µs of processor")
    if row.goal is not None:
        parts.append(f"goal {'≥' if row.at_least else '≤'} {row.goal:g}")
        parts.append("met" if row.met else "NOT MET")
    return ", ".join(parts)


def amount(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _spread(found: Spread) -> str:
    return f"{found.median:.2f} ({found.least:.2f}-{found.greatest:.2f})"
