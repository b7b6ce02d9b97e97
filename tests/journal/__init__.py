"""Tests of the durable room."""
