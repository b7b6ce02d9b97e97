"""Read what an operator asks for; a misspelt filter is an error, never a wider answer.

Pure. Must not know what is done with it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.core.lifecycle import Status
from gateway.core.masking import mask, one_line

PAGE: Final = 100
LARGEST_PAGE: Final = 1000
LONGEST_TEXT: Final = 200
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unreadable(Exception):
    """What was asked cannot be understood. The text says what would be, and repeats nothing."""


class Query(Protocol):
    """A query string's parameters, in order."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Each name with its value; a name may repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Which enrollments to list. ``older_than`` in seconds; no statuses: all of them."""

    statuses: tuple[Status, ...] = ()
    older_than: float | None = None
    limit: int = PAGE
    cursor: str | None = None


def listing(query: Query) -> Listing:
    """Read ``?status=&older_than=&limit=&cursor=``.

    Raises:
        Unreadable: a name is unknown or repeated, or a value makes no sense.
    """
    statuses: list[Status] = []
    single: dict[str, str] = {}
    for name, value in query.items():
        if name == "status":
            statuses.append(_status(value))
        elif name not in {"older_than", "limit", "cursor"} or name in single:
            raise Unreadable("use status (may repeat), and once each: older_than, limit, cursor")
        else:
            single[name] = value
    cursor = single.get("cursor")
    if cursor is not None and not is_id(cursor):
        raise Unreadable("cursor must be the next_cursor of the page before")
    older_than = single.get("older_than")
    return Listing(
        statuses=tuple(statuses),
        older_than=None if older_than is None else duration(older_than),
        limit=_page_size(single.get("limit", str(PAGE))),
        cursor=cursor,
    )


def audit_page(query: Query) -> tuple[int, int | None]:
    """Read ``?limit=&before=``: how many records, and the number that they must be below."""
    pairs = list(query.items())
    given = dict(pairs)
    if len(given) != len(pairs) or not given.keys() <= {"limit", "before"}:
        raise Unreadable("use limit and before, once each")
    before = given.get("before")
    if before is not None and not re.fullmatch(r"[0-9]{1,15}", before):
        raise Unreadable("before must be the next_before of the page before")
    return _page_size(given.get("limit", str(PAGE))), None if before is None else int(before)


def requeue(body: Mapping[str, object]) -> float | None:
    """Read ``{"status": "dead_letter", "older_than": …}``: the age in seconds, or None for all."""
    if not body.keys() <= {"status", "older_than"} or body.get("status") != Status.DEAD_LETTER:
        raise Unreadable(
            'send {"status": "dead_letter"}, and "older_than" to narrow it: '
            "only dead letters can be requeued"
        )
    older_than = body.get("older_than")
    return None if older_than is None else duration(str(older_than))


def pause(body: Mapping[str, object]) -> str:
    """Read ``{"reason": …}``: a masked text of one line, perhaps empty."""
    reason = body.get("reason") or ""
    if not body.keys() <= {"reason"} or not isinstance(reason, str):
        raise Unreadable('send {"reason": "a few words"}, or nothing')
    return shown(reason)


def body(raw: bytes) -> Mapping[str, object]:
    """A JSON object; no bytes at all are an empty one."""
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreadable("the body must be one JSON object")
    return found


def duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``15m``, ``2h`` or ``7d``."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Unreadable("older_than must be like 90s, 15m, 2h or 7d, or seconds")
    return float(found[1]) * _UNITS[found[2]]


def is_id(text: str) -> bool:
    """Whether it has the form of a receipt id."""
    return _ID.fullmatch(text) is not None


def shown(text: str) -> str:
    """An operator's own words as they are kept and shown: masked, one line, not endless."""
    return one_line(mask(text.strip()))[:LONGEST_TEXT]


def _status(value: str) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise Unreadable(f"status must be one of {', '.join(Status)}") from None


def _page_size(value: str) -> int:
    size = int(value) if re.fullmatch(r"[0-9]{1,4}", value) else 0
    if not 1 <= size <= LARGEST_PAGE:
        raise Unreadable(f"limit must be 1 to {LARGEST_PAGE}")
    return size
