"""Numbers, colours and words as Grafana would show them. Pure."""

import math
from typing import Any

HUES = {
    "green": "#73bf69",
    "orange": "#ff9830",
    "red": "#f2495c",
    "blue": "#5794f2",
    "light-blue": "#8ab8ff",
    "yellow": "#fade2a",
    "purple": "#b877d9",
    "gray": "#8e8e8e",
    "text": "#ccccdc",
}
PALETTE = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0")
_LARGE = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_TIMES = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def number(value: float, unit: str) -> str:
    """A value with its unit."""
    if not math.isfinite(value):
        return "no data"
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "s":
            return _seconds(value)
        case "bytes":
            return _scaled(value, _BYTES, " B")
        case "Bps":
            return _scaled(value, _BYTES, " B") + "/s"
        case _:
            return _scaled(value, _LARGE, "") + unit.removeprefix("suffix:").replace("short", "")


def colour(value: float, steps: list[dict[str, Any]]) -> str:
    """The hue of the last threshold that the value reaches."""
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return HUES[reached[-1]["color"]]


def mapped(value: float, mappings: list[dict[str, Any]]) -> dict[str, str] | None:
    """The word and colour that stand for a value, if there are."""
    for mapping in mappings:
        if mapping["type"] == "special" and math.isnan(value):
            result: dict[str, str] = mapping["options"]["result"]
            return result
        if mapping["type"] == "value" and not math.isnan(value):
            found: dict[str, str] | None = mapping["options"].get(f"{value:.0f}")
            return found
    return None


def _seconds(value: float) -> str:
    size = abs(value)
    if 0 < size < 1:
        return f"{value * 1000:.3g} ms"
    scale, name = next((pair for pair in _TIMES if size >= pair[0]), _TIMES[-1])
    return f"{value / scale:.3g} {name}"


def _scaled(value: float, scales: tuple[tuple[float, str], ...], plain: str) -> str:
    for scale, name in scales:
        if abs(value) >= scale:
            space = " " if plain else ""
            return f"{value / scale:.3g}{space}{name}"
    return f"{value:.3g}{plain}"
