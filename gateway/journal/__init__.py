"""The durable room: what is written here survives a crash, and nothing else does."""
