"""A deadline for a station that does not read its answer. Must not know requests."""

import asyncio

from gateway.intake.upload import LEAST_PROGRESS


class SlowReader:
    """Watches one from when its buffer is full until ``stop``.

    In each span it must read at least as much as it must send: see ``LEAST_PROGRESS``.
    """

    def __init__(self, transport: asyncio.Transport, *, idle_seconds: float) -> None:
        self._transport = transport
        self._idle_seconds = idle_seconds
        self._watch()

    def stop(self) -> None:
        """It has read enough, or is gone."""
        self._timer.cancel()

    def _watch(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._look)

    def _look(self) -> None:
        if self._unread - self._transport.get_write_buffer_size() < LEAST_PROGRESS:
            self._transport.abort()
        else:
            self._watch()
