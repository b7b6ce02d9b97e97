"""Tests of the simulated recording server."""
