"""The HTTP session for what is relayed, TLS towards the upstream, and the gateway's own credential.

Attempts do not go through the session; see ``pool``.
"""

import ssl
from pathlib import Path

import aiohttp

from gateway.clock import Clock

# Shorter than what servers usually allow an idle connection: one that the server closes just as a
# request goes out costs a doubt.
KEEPALIVE_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 1.0
NO_PASSPHRASE = ""  # an encrypted key is a fault: nobody is there to be asked for it


def upstream_tls(
    *, spoken: bool, ca: Path | None, client_certificate: Path | None, client_key: Path | None
) -> ssl.SSLContext:
    """TLS towards the server: 1.2 or newer, its certificate and name always checked.

    Args:
        spoken: whether the server speaks it. One that does not needs none of the authorities that
            the system trusts, which are a megabyte; without them none is trusted.
        ca: the only authorities to trust, if not those of the system.
        client_certificate: to show to the server.
        client_key: its key.

    Raises:
        OSError: a file cannot be read, or is not what it should be (``ssl.SSLError``).
    """
    if spoken or ca is not None:
        context = ssl.create_default_context(cafile=ca)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_certificate is not None:
        context.load_cert_chain(client_certificate, client_key, password=NO_PASSPHRASE)
    return context


def upstream_session(
    tls: ssl.SSLContext, *, timeout_seconds: float, connect_timeout_seconds: float
) -> aiohttp.ClientSession:
    """A session without cookies, proxies of the environment, decoding or a limit of its own.

    How many connections there are is the window's business.

    Args:
        tls: for ``https`` upstreams.
        timeout_seconds: one whole request.
        connect_timeout_seconds: until the connection stands, TLS included.
    """
    connector = aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds, connect=connect_timeout_seconds),
        auto_decompress=False,
        trust_env=False,
    )


def renew_tls(session: aiohttp.ClientSession, tls: ssl.SSLContext) -> None:
    """Connections from now on are made with this context; those that stand go on."""
    connector = session.connector
    if isinstance(connector, aiohttp.TCPConnector):
        connector._ssl = tls  # noqa: SLF001 - a connector cannot be told otherwise


class Authorization:
    """The gateway's own credential from a file, read again when the file changes."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Read it.

        Raises:
            OSError: the file cannot be read.
        """
        self._path = path
        self._clock = clock
        self._value = None if path is None else path.read_text("utf-8").strip()
        self._changed = None if path is None else path.stat().st_mtime_ns
        self._looked = clock.monotonic()

    def __call__(self) -> str | None:
        """The value of ``Authorization``; None: the gateway has none of its own."""
        if self._path is None:
            return None
        now = self._clock.monotonic()
        if now - self._looked >= _LOOK_AGAIN_SECONDS:
            self._looked = now
            self._read_again(self._path)
        return self._value

    def _read_again(self, path: Path) -> None:
        try:
            changed = path.stat().st_mtime_ns
            if changed != self._changed:
                self._value = path.read_text("utf-8").strip()
                self._changed = changed
        except OSError:
            return  # in the middle of being replaced: what was known serves until it is back
