"""Where a fuzzer begins: requests that are right, and those that are known to be wrong."""

from tests.intake.test_framing import AMBIGUOUS

_TARGETS = (
    *("/enrollments", "/a/b;c?d=e&f=%20", "/..", "/a/%2e%2E/b", "//host/x", "/\\host", "*"),
    *("http://g/x?y", "http://h/", "/_gateway/receipts/1", "/%5fgateway/", "/%252e%252e/x"),
)
_HEADERS = (
    'Idempotency-Key: "k-1"\nPrefer: respond-async, wait=10; x="a,b"\nPriority: u=1, i',
    "Connection: close, X-A\nX-A: 1\nTE: trailers\nTransfer-Encoding: chunked",
    "Content-Digest: sha-256=:AAAA:, md5=:x:\nAccept-Language: id-ID;q=0.9, en;q=0.8",
    "X: 3603 0112 1290 0000\nY: 3603.0112%201290-0000\nZ: %33%36%30%33%30%31%31%32%31%32%39%30%30",
)
_GOOD = (
    b"POST /e HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nIdempotency-Key: k\r\n\r\nx",
    b"PUT / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\nT: 1\r\n\r\n",
    b"GET /_gateway/receipts?idempotency_key=k HTTP/1.1\r\nHost: g\r\nPrefer: wait=1\r\n\r\n",
    b"GET /_gateway/problems/not-found HTTP/1.0\r\nAccept-Language: id\r\n\r\n",
    b"PUT http://g/e HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    b"\xbc\xb0\xb1 \r\nHost: g\r\n\r\n",  # was the parser's own mistake
    b"HEAD / HTTP/1.1\r\nHost: g\r\n\r\nGET / HTTP/1.1\r\nHost: g\r\n\r\n",
)

SEEDS: dict[str, list[bytes]] = {
    "path": [f"g\n{target}".encode() for target in _TARGETS],
    "headers": [lines.encode() for lines in _HEADERS],
    "wire": [b"\x80" + each for each in (*_GOOD, *AMBIGUOUS.values())],
}
