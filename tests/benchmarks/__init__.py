"""Benchmarks: their arithmetic, and the short form that CI keeps."""
