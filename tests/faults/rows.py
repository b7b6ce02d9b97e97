"""Every fault that must be survived, and what someone outside must then see. Data, nothing else.

A test says which of them it tries by ``@pytest.mark.fault(number, …)``; see ``campaign``.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: its number, what goes wrong, and the answer that is expected."""

    number: int
    fault: str
    expected: str


@dataclass(frozen=True, slots=True)
class Group:
    """Faults that come from the same side."""

    title: str
    rows: tuple[Row, ...]


GROUPS: Final = (
    Group(
        "Process, disk, clock",
        (
            Row(
                1,
                "kill -9 at any await or commit edge",
                "up again within 10 s; each accepted enrollment has exactly one effect, one that"
                " was not answered none or one",
            ),
            Row(
                2,
                "power loss: unsynced pages dropped, reordered by sector, torn",
                "as after kill -9; the journal opens; each 202 was durable before it was sent",
            ),
            Row(3, "crash during a checkpoint", "the journal opens, its integrity check is clean"),
            Row(
                4,
                "disk full while accepting",
                "503 `journal-full` with Retry-After, no 202; goes on by itself when space returns",
            ),
            Row(
                5,
                "disk full while an outcome is recorded",
                "a reserve is used; nothing is sent twice after a restart",
            ),
            Row(
                6,
                "I/O error on fsync",
                "503 to who waits; the process ends non-zero and syncs no second time; nothing is"
                " accepted after the error",
            ),
            Row(
                7,
                "a flipped bit in a record, in a page, in the write-ahead log",
                "record quarantined; intact records salvaged, `readyz` degraded, the lost listed;"
                " torn tail dropped; nothing accepted goes silently",
            ),
            Row(
                8,
                "journal cut to nothing, or its log removed",
                "refuses, or starts degraded with a list of what is missing; never empty and"
                " silent",
            ),
            Row(9, "read-only remount; out of file descriptors", "503, and the loop lives"),
            Row(10, "a second gateway on the same journal", "exit 75, the first unharmed"),
            Row(11, "wall clock jumps an hour either way", "no mass retry, no early expiry"),
            Row(
                12,
                "SIGTERM under load; SIGSTOP for 60 s, then SIGCONT",
                "accepts no more, finishes or keeps what is in hand, exit 0 in its grace period;"
                " after SIGCONT nothing is sent twice",
            ),
            Row(
                13,
                "10,000 idle connections; bodies of twice the memory limit at once",
                "refused with 503; memory stays bounded",
            ),
        ),
    ),
    Group(
        "The recording server",
        (
            Row(
                14,
                "down for 5 minutes at three times its capacity",
                "202 for all, journal bounded, one canary for each backoff; 95 % of capacity"
                " within 30 s of its return, never tipped over again",
            ),
            Row(
                15,
                "accepts and says nothing",
                "202 after the hold; the slot stays taken until the attempt times out",
            ),
            Row(
                16,
                "half an answer, reset after the headers, a length that lies, a cut chunk",
                "`in_doubt`, never `delivered`",
            ),
            Row(17, "records, then the answer is lost", "exactly one effect"),
            Row(
                18,
                "half of the answers 5xx; 429 with Retry-After 30; Retry-After 10^9 or garbage",
                "backs off; honours it; at most 5 minutes",
            ),
            Row(
                19,
                "401 for all; certificate expired or of another host; name not found",
                "paused with an alarm, backlog intact, no dead letters, never in plain text",
            ),
            Row(
                20,
                "one enrollment always 400; one always 500",
                "final at once; the others flow, and that one is parked when too old",
            ),
            Row(
                21,
                "capacity halves or doubles during the drain",
                "never tipped over; the new capacity is found within a minute",
            ),
            Row(22, "its address changes; slow TLS handshake", "resolved again; connect timeout"),
            Row(
                23,
                "does not honour the key, with a lookup and without",
                "the lookup decides; else a dead letter for a person; never two effects",
            ),
        ),
    ),
    Group(
        "Stations and strangers",
        (
            Row(
                24,
                "the same key and body, 100 at once",
                "one enrollment, one effect, one receipt id",
            ),
            Row(
                25,
                "the same key with another body",
                "422 `idempotency-key-reused`, the first untouched",
            ),
            Row(
                26,
                "key missing where required; of 300 characters; with control characters; bare",
                "400; 400; 400; taken",
            ),
            Row(
                27,
                "body over the limit, with a length and without; a length too small, too large",
                "413 early; what is left over is never a second request; nothing half is kept",
            ),
            Row(
                28,
                "framing that two readers may read differently",
                "400 and close; the server sees nothing; no smuggled request runs",
            ),
            Row(
                29,
                "flood of chunk extensions, a million chunks of 1 byte, trailers",
                "bounded work, 400 or 413; trailers not forwarded",
            ),
            Row(
                30,
                "slow headers, slow body, slow reader",
                "closed at the deadlines, others unaffected; a steady 128 kbit/s passes",
            ),
            Row(31, "gzip body, gzip bomb", "forwarded as sent, never inflated"),
            Row(
                32,
                "the station goes away before its answer",
                "kept if it was journaled, found again by its key",
            ),
            Row(
                33,
                "Expect: 100-continue, HTTP/1.0, HEAD, absolute-form, hop-by-hop names in"
                " Connection, CR or LF in a value",
                "as RFC 9110 and 9112 say",
            ),
            Row(
                34,
                "no token; a revoked one; another station's receipt; an admin path without token;"
                " the time a wrong token takes",
                "401; 401; 404; 401; always the same",
            ),
            Row(
                35,
                "`../`, `//host`, `%2e%2e`, absolute URI of another host, `/_gateway/` tricks",
                "never leaves the upstream's base URL, never reaches the admin listener",
            ),
            Row(
                36,
                "a NIK in path, query, header, body, exception; a newline for the log",
                "masked everywhere, no raw CR or LF",
            ),
            Row(
                37,
                "key file missing, wrong, rotated; the ciphertexts of two rows swapped",
                "does not start, nothing in plain text; old rows readable after rotation; the swap"
                " is found",
            ),
        ),
    ),
    Group(
        "Several gateways on one PostgreSQL",
        (
            Row(
                38,
                "the primary is killed, a standby promoted",
                "intake goes on within seconds; every accepted enrollment is there",
            ),
            Row(
                39,
                "a gateway killed in the middle of an attempt",
                "another takes over after the lease; at most one effect",
            ),
            Row(
                40,
                "the delivering gateway paused past its lease, then resumed",
                "it sends nothing more under the old lease",
            ),
            Row(
                41,
                "no quorum; database gone; the commit's answer lost",
                "503, never 202; asked again by key: the same receipt",
            ),
            Row(42, "one gateway upgraded before the other", "both serve"),
        ),
    ),
)

ROWS: Final = {row.number: row for group in GROUPS for row in group.rows}
