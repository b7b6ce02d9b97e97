"""Observers: metrics and logs made from facts. Nothing depends on what they do."""
