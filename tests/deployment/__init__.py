"""Tests of what deploys the gateway: image, compose file, systemd unit."""
