"""Event simulation of window controllers against the simulated recording server. Not shipped."""
