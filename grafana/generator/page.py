"""Writes a whole page: what is the same on each, around its panels.

Must not know what any panel asks.
"""

import json
from typing import Final

from grafana.generator.model import Dashboard
from grafana.generator.queries import gateway
from grafana.generator.rendering import DATASOURCE, Json, panels

SCHEMA_VERSION: Final = 41
DATASOURCE_UID: Final = "enrollment-gateway-prometheus"
"""The uid that `provisioning/datasources/` gives: the one chosen when a page is opened."""

_TAG: Final = "enrollment-gateway"
_STEP: Final = "15s"


def text(dashboard: Dashboard) -> str:
    """Write the file of a dashboard, the same to the byte each time."""
    return json.dumps(_page(dashboard), indent=2, ensure_ascii=False) + "\n"


def _page(dashboard: Dashboard) -> Json:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [_TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": f"now-{dashboard.span}", "to": "now"},
        "refresh": dashboard.refresh,
        "templating": {"list": [_datasource_variable(), _instance_variable()]},
        "annotations": {
            "list": [
                _annotation(
                    name="Outages",
                    title="Outage",
                    colour="red",
                    where='from_state=~"slow_start|steady", to_state="open"',
                    words="{{instance}} took the recording server for away",
                ),
                _annotation(
                    name="Recoveries",
                    title="Recovery",
                    colour="green",
                    where='from_state="open", to_state=~"slow_start|steady"',
                    words="{{instance}} reached the recording server again",
                ),
            ]
        },
        "links": [
            {
                "title": "Other pages",
                "type": "dashboards",
                "tags": [_TAG],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": panels(dashboard),
    }


def _datasource_variable() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": DATASOURCE_UID},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _instance_variable() -> Json:
    find = "label_values(enrollment_gateway_build_info, instance)"
    return {
        "name": "instance",
        "label": "Gateway",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": find, "refId": "instances", "qryType": 1},
        "current": {"text": ["All"], "value": ["$__all"]},
        "includeAll": True,
        "allValue": ".+",
        "multi": True,
        "hide": 0,
        "options": [],
        # When the time shown changes: a gateway of last week is found again.
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
    }


def _annotation(*, name: str, title: str, colour: str, where: str, words: str) -> Json:
    transitions = gateway("upstream_transitions_total", where)
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "target": {
            "refId": name,
            "expr": f"sum by (instance) (increase({transitions}[$__rate_interval])) > 0",
            "interval": _STEP,
        },
        "titleFormat": title,
        "textFormat": words,
        "tagKeys": "instance",
    }
