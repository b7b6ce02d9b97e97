"""The simulation of window controllers."""
