"""The fault campaign: every fault that the gateway must survive, and what trying it has shown."""
