"""Bytes that nobody would send: at the target, at the headers, at the public listener whole."""
