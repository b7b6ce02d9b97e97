"""The journal without a disk, for tests and for simulations under virtual time."""

from gateway.journal.memory.journal import MemoryJournal

__all__ = ["MemoryJournal"]
