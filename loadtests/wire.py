"""From an HTTP answer to what a station understands of it.

Knows no connection and no decision.
"""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

from geventhttpclient.response import HTTPSocketPoolResponse

from loadtests.stations import Answer


def read_answer(response: HTTPSocketPoolResponse, content: bytes) -> Answer:
    """What an answer, read whole, means to a station; a receipt is looked into."""
    status = response.status_code
    location = _field(response, "location")
    receipt = _field(response, "gateway-receipt")
    if location is not None and receipt is None:
        receipt = location.rpartition("/")[2]
    known = _receipt(content) if status == 200 and response.method == "GET" else {}
    final = known.get("response") or {}
    return Answer(
        status=status,
        retry_after=_seconds(_field(response, "retry-after")),
        receipt=known.get("id", receipt),
        location=location,
        replayed=_field(response, "idempotency-replayed") == "true",
        receipt_status=known.get("status"),
        recorded_status=final.get("status"),
    )


def _field(response: HTTPSocketPoolResponse, name: str) -> str | None:
    value = response.get(name)
    return value[0] if isinstance(value, list) else value


def _receipt(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After: a number or a date (RFC 9110, 10.2.3); nonsense is none."""
    if retry_after is None:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return None
