"""A retry gateway: keeps every enrollment while the recording server is down, delivers it once."""
