"""`healthcheck`: can the gateway promise anything now? For containers and supervisors."""

from gateway.cli.client import connect_openly
from gateway.cli.exits import Failure
from gateway.cli.options import AdminUrl, ConfigFile
from gateway.cli.screen import say


def healthcheck(admin: AdminUrl = None, config: ConfigFile = None) -> None:
    """Exit 0 when /readyz says ready, else 1. Needs no token."""
    answer = connect_openly(admin, config).send("GET", "/readyz")
    if answer.status != 200:
        raise Failure(f"not ready ({answer.status})")
    say("ready")
