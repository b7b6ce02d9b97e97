"""Decisions only: no clock, no sockets, no files, no logs. Time and chance are arguments."""
