"""Large sealed bodies, in a file of their own beside the journal. Must not know what is in them."""

from gateway.journal.sqlite.bodies.store import Bodies, is_large, of

__all__ = ["Bodies", "is_large", "of"]
