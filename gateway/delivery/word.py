"""What the gateway that delivers says of delivery, as a short text for the others.

Read by gateways of other versions too: a field that is unknown is passed over, one that is missing
keeps its default. Pure.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, TypeVar

from gateway.core.admission import Changed, Outlook, UpstreamView
from gateway.core.facts import UpstreamState

T = TypeVar("T", Outlook, UpstreamView)


@dataclass(frozen=True, slots=True)
class Word:
    """What is thought of the upstream, and of the near future."""

    outlook: Outlook
    upstream: UpstreamView


NOBODY: Final = Word(
    Outlook(
        UpstreamState.OPEN,
        window=0,
        outstanding=0,
        waiting=0,
        live_waiting=0,
        rate=0.0,
        here=False,
    ),
    UpstreamView(
        UpstreamState.OPEN,
        since=0.0,
        reason="no gateway delivers",
        window=0,
        outstanding=0,
        ghosts=0,
    ),
)
"""Before anyone has said anything."""


def said(word: Word) -> str:
    """As it goes into the journal."""
    return json.dumps({"outlook": asdict(word.outlook), "upstream": asdict(word.upstream)})


def heard(text: str) -> Word:
    """As another gateway said it; ``NOBODY`` where nothing can be understood."""
    try:
        told = json.loads(text) if text else {}
        outlook = replace(_filled(NOBODY.outlook, told["outlook"]), here=False)
        upstream = _filled(NOBODY.upstream, told["upstream"])
        changes = tuple(Changed(*change) for change in upstream.changes)
        return Word(outlook, replace(upstream, changes=changes))
    except (ValueError, KeyError, TypeError, AttributeError):
        return NOBODY


def _filled(default: T, told: dict[str, Any]) -> T:
    known = {field.name: told[field.name] for field in fields(default) if field.name in told}
    return replace(default, **known | {"state": UpstreamState(told["state"])})
