"""Tests of the load harness and of its verdict."""
