"""Delivery: sends what is kept, as fast as the recording server can take it."""
