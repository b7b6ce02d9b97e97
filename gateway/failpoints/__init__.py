"""Failing on purpose: a gateway that dies, waits or raises at a named edge. For tests alone.

``ENROLLMENT_GATEWAY_FAILPOINTS`` names the edges; see ``orders``. Without it this room is never
loaded and no other room knows of it: an edge is put around a function when the process starts, so
one that nobody asked for costs nothing. Must not know what the functions do.
"""

from gateway.failpoints.arming import arm
from gateway.failpoints.orders import FailpointFault
from gateway.failpoints.points import NAMES

__all__ = ["NAMES", "FailpointFault", "arm"]
