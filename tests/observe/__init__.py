"""Tests of metrics, logs and lag."""
