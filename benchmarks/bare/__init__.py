"""The bare limits: little programs that do one thing, and nothing of what the gateway promises."""
