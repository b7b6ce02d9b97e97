"""Where to listen: ``HOST:PORT``, and whether only this machine can reach it."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """A host (a name or an address, without brackets) and a port; port 0: any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``127.0.0.1:8080``, ``localhost:8080`` or ``[::1]:8080``.

        Raises:
            ValueError: it is something else; the text says what to write.
        """
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.netloc != text or parts.username is not None:
            msg = "must be HOST:PORT, such as 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for all"
            raise ValueError(msg)
        return cls(host, port)

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def reachable(self) -> "Address":
        """Where a client on this machine connects: a wildcard is no address to call."""
        wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
        return Address(wildcards.get(self.host, self.host), self.port)

    def __str__(self) -> str:
        """The form that ``parse`` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
