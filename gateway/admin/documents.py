"""The admin API's documents: what the journal and delivery know -> JSON for operators.

Pure. Must not know HTTP, or how the figures are fetched. Every moment is RFC 3339, every number
carries its unit in its name, every text is masked.
"""

import math
from typing import Any, Final

from gateway.core.admission import Changed, Outlook, UpstreamView
from gateway.core.facts import UpstreamState
from gateway.core.lifecycle import Status
from gateway.core.masking import mask, one_line
from gateway.core.moments import iso
from gateway.journal.contract import AuditRecord, Life, Totals, Usage

Document = dict[str, Any]

_FORESEEABLE: Final = 10 * 365 * 86_400.0
"""Seconds. A drain that would take longer is no estimate: nothing has moved for a while."""


def status(
    *,
    version: str,
    ready: bool,
    now: float,
    outlook: Outlook,
    upstream: UpstreamView,
    totals: Totals,
    usage: Usage,
    durability: str,
) -> Document:
    """Everything an operator looks at first."""
    drain = outlook.drain_seconds
    if drain is not None and drain > _FORESEEABLE:
        drain = None
    oldest = totals.oldest_undelivered_at
    paused = upstream.state is UpstreamState.PAUSED
    since, reason = iso(upstream.since), _clean(upstream.reason)
    return {
        "version": version,
        "ready": ready,
        "now": iso(now),
        "upstream": {
            "state": upstream.state,
            "since": since,
            "reason": reason,
            "window": upstream.window,
            "outstanding": upstream.outstanding,
            "ghosts": upstream.ghosts,
            "next_attempt_in_seconds": _rounded(outlook.next_canary_in),
            "changes": [_change(each) for each in upstream.changes],
        },
        "delivery": {"here": outlook.here, "by": upstream.by},
        "paused": {"reason": reason, "since": since} if paused else None,
        "enrollments": {each: totals.by_status.get(each, 0) for each in Status},
        "oldest_undelivered_age_seconds": None if oldest is None else _rounded(age(oldest, now)),
        "drain_rate_per_second": _rounded(outlook.rate),
        "drain_seconds_estimate": _rounded(drain),
        "estimated_empty_at": None if drain is None else iso(now + drain),
        "journal": {
            "bytes": usage.used,
            "limit_bytes": usage.limit,
            "free_bytes": usage.free,
            "durability": durability,
        },
    }


def _change(change: Changed) -> Document:
    return {
        "at": iso(change.at),
        "what": change.what,
        "from": change.before,
        "to": change.after,
        "reason": _clean(change.reason),
    }


def enrollment(life: Life) -> Document:
    """One enrollment: where it stands, and nothing of what it holds."""
    return {
        "id": life.id,
        "station": _clean(life.station),
        "status": life.status,
        "attempts": life.attempts,
        "priority": life.priority,
        "size_bytes": life.size,
        "accepted_at": iso(life.accepted_at),
        "next_attempt_at": _moment(life.next_attempt_at),
        "last_attempt_at": _moment(life.last_attempt_at),
        "settled_at": _moment(life.settled_at),
        "reason": None if life.reason is None else _clean(life.reason),
    }


def reconciliation(totals: Totals, *, now: float) -> Document:
    """Accepted = the sum of all seven, exactly; those already forgotten are in their status."""
    counts = {
        each.value: totals.by_status.get(each, 0) + totals.forgotten.get(each, 0) for each in Status
    }
    return {
        "at": iso(now),
        "accepted": totals.accepted,
        **counts,
        "balanced": totals.accepted == sum(counts.values()),
    }


def audit_record(record: AuditRecord) -> Document:
    """One act of an operator: all that its link was made of, as it was made of it."""
    return {
        "seq": record.seq,
        "at": iso(record.at),
        "actor": record.actor,
        "action": record.action,
        "subject": record.subject,
        "detail": record.detail,
        "link": record.link,
    }


def age(since: float, now: float) -> float:
    """Seconds since then; never negative, whatever a clock did."""
    return max(0.0, now - since)


def _clean(text: str) -> str:
    return one_line(mask(text))


def _moment(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)


def _rounded(seconds: float | None) -> float | None:
    """To the millisecond; what is not finite is not known, and JSON has no word for it."""
    return round(seconds, 3) if seconds is not None and math.isfinite(seconds) else None
