"""Writes panels in Grafana's classic dashboard JSON.

Must not know what any panel asks. Source: Grafana's dashboard kind, and the options of the panel
types `stat`, `timeseries` and `state-timeline`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from grafana.generator import queries
from grafana.generator.model import COLUMNS, Dashboard, Kind, Panel, Section, Text

Json: TypeAlias = str | int | float | bool | Sequence["Json"] | Mapping[str, "Json"] | None

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_HEADING_HEIGHT: Final = 1


def panels(dashboard: Dashboard) -> list[Json]:
    """Lay the panels out from the upper left, like words on a page; a heading starts a line."""
    written: list[Json] = []
    top = 0
    for section in dashboard.sections:
        written.append(_heading(section, number=len(written) + 1, top=top))
        top += _HEADING_HEIGHT
        left = line_height = 0
        for panel in section.panels:
            if left + panel.width > COLUMNS:
                top, left, line_height = top + line_height, 0, 0
            written.append(_panel(panel, number=len(written) + 1, left=left, top=top))
            left, line_height = left + panel.width, max(line_height, panel.height)
        top += line_height
    return written


def _heading(section: Section, *, number: int, top: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": section.heading,
        "collapsed": False,
        "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": _HEADING_HEIGHT},
        "panels": [],
    }


def _panel(panel: Panel, *, number: int, left: int, top: int) -> Json:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.question,
        "description": panel.description,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend,
                # A single number is the present one: a range would go on showing the last one
                # of a gateway that has gone.
                "instant": panel.kind is Kind.STAT,
                "range": panel.kind is not Kind.STAT,
                # Dots on a line of waits: each leads to the trace of one that waited so long.
                "exemplar": panel.kind is Kind.LINES and queries.is_quantile(query.expr),
            }
            for place, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _OPTIONS[panel.kind],
    }


def _defaults(panel: Panel) -> dict[str, Json]:
    by_number = panel.kind is not Kind.LINES
    steps: list[Json] = [{"color": step.colour, "value": step.start} for step in panel.steps]
    defaults: dict[str, Json] = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if by_number else "palette-classic"},
        "mappings": _mappings(panel),
        "thresholds": {"mode": "absolute", "steps": steps or [{"color": "text", "value": None}]},
        "noValue": "no data",
        "custom": _custom(panel),
    }
    if panel.kind is Kind.LINES and panel.unit != "Bps":
        defaults["min"] = 0
    if panel.most is not None:
        defaults["max"] = panel.most
    return defaults


def _mappings(panel: Panel) -> list[Json]:
    mappings: list[Json] = []
    if panel.words:
        words = {str(number): _result(text) for number, text in panel.words.items()}
        mappings.append({"type": "value", "options": words})
    if panel.unknown:
        result = _result(panel.unknown)
        mappings.append({"type": "special", "options": {"match": "null+nan", "result": result}})
    return mappings


def _result(text: Text) -> Json:
    return {"text": text.word, "color": text.colour}


def _overrides(panel: Panel) -> list[Json]:
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in panel.colours.items()
    ]


def _custom(panel: Panel) -> Json:
    match panel.kind:
        case Kind.STAT:
            return {}
        case Kind.STATES:
            return {"lineWidth": 0, "fillOpacity": 80}
        case Kind.LINES:
            return {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 40 if panel.stacked else 10,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
            }


_OPTIONS: Final[Mapping[Kind, Json]] = {
    Kind.STAT: {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
    },
    Kind.STATES: {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    },
    Kind.LINES: {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}
