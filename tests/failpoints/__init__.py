"""Failing on purpose: what is understood, where it is put, and that it costs nothing when off."""
