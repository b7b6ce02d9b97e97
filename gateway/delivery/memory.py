"""What delivery remembers over a restart: the window it had found, and an operator's pause."""

import json
from dataclasses import asdict, fields, replace

from gateway.clock import Clock
from gateway.core.limiter import Memory as WindowMemory
from gateway.journal.contract import Journal

_WINDOW, _PAUSE = "window", "pause"
_KNOWN = frozenset(field.name for field in fields(WindowMemory))
_SAVE_EVERY = 5.0  # seconds; a crash costs at most so much of what was learned


class Memory:
    """A few small values in the journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._saved: WindowMemory | None = None
        self._saved_at = float("-inf")

    async def window(self) -> WindowMemory | None:
        """The window's memory of the last run; None on a first start."""
        text = await self._journal.recall(_WINDOW)
        if not text:
            return None
        kept = json.loads(text)
        # Another version may have kept more: where gateways share a journal they are exchanged
        # one after the other.
        return WindowMemory(**{name: kept[name] for name in kept.keys() & _KNOWN})

    async def keep_window(self, memory: WindowMemory, *, at_once: bool = False) -> None:
        """Keep what was learned, if it is news; every few seconds unless ``at_once``."""
        now = self._clock.monotonic()
        if not at_once and now - self._saved_at < _SAVE_EVERY:
            return
        news = replace(memory, cliff_age=0.0)  # growing older is no news
        if not at_once and news == self._saved:
            return
        self._saved, self._saved_at = news, now
        kept = {name: value for name, value in asdict(memory).items() if value is not None}
        await self._journal.remember(_WINDOW, json.dumps(kept))

    async def pause(self) -> str | None:
        """Why an operator paused delivery; None: delivery goes on."""
        return await self._journal.recall(_PAUSE) or None

    async def keep_pause(self, reason: str | None) -> None:
        """Keep a pause, or with None its end."""
        await self._journal.remember(_PAUSE, reason or "")
