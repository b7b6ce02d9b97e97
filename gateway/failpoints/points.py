"""Where it can be made to fail: a name for each step on the way of one enrollment. Data.

Each step has two edges, ``before-STEP`` and ``after-STEP``. In the order of the way: read, seal,
journal, plan, send, classify, decide, journal, publish, answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A function: its module, and its name there, with its class where it is a method."""

    module: str
    name: str


_INTAKE: Final = "gateway.intake"
_DISPATCHER: Final = "gateway.delivery.dispatcher"
_FILLING: Final = "gateway.delivery.filling"
_COURIER: Final = "gateway.delivery.courier"
_TRANSPORT: Final = "gateway.delivery.transport"
_SEALING: Final = "gateway.journal.sealing"
_SQLITE: Final = "gateway.journal.sqlite"
_JOURNAL: Final = f"{_SQLITE}.journal"
_BOOK: Final = f"{_SQLITE}.book"

STEPS: Final[Mapping[str, Place]] = {
    "handle": Place(f"{_INTAKE}.door", "Door.handle"),
    "read": Place(f"{_INTAKE}.reading", "BodyReader.read"),
    "seal": Place(_SEALING, "Sealer.seal"),
    "admit": Place(f"{_INTAKE}.enrolling", "admit"),
    "reserve": Place(_DISPATCHER, "Dispatcher.reserve"),
    "accept": Place(_JOURNAL, "SqliteJournal.accept"),
    # commit serves every change, in the thread that waits for the disk
    "transaction": Place(_BOOK, "SqliteBook.begin"),
    "insert": Place(f"{_SQLITE}.accepting", "Accepting.accept"),
    "write-body": Place(f"{_SQLITE}.bodies.file", "BodyFile.write"),  # large ones
    "sync-bodies": Place(f"{_SQLITE}.bodies.file", "BodyFile.sync"),
    "commit": Place(_BOOK, "SqliteBook.commit"),
    "tidy": Place(_BOOK, "SqliteBook.tidy"),
    "recover": Place(_BOOK, "SqliteBook.recover"),
    # accepted; now it is sent at once, or waits for its turn
    "launch": Place(_DISPATCHER, "Dispatcher.launch"),
    "enqueue": Place(_DISPATCHER, "Dispatcher.enqueue"),
    "wait": Place(f"{_INTAKE}.waiters", "Waiters.wait"),
    "plan": Place(_FILLING, "plan"),
    "begin": Place(_JOURNAL, "SqliteJournal.begin"),
    "open": Place(_SEALING, "Sealer.open"),
    "send": Place(_TRANSPORT, "UpstreamTransport.send"),
    "look-up": Place(_TRANSPORT, "UpstreamTransport.look_up"),
    "classify": Place(_COURIER, "classify"),
    "decide": Place(_COURIER, "after_attempt"),
    "seal-answer": Place(_SEALING, "Sealer.seal_answer"),
    "publish": Place("gateway.wiring.shared", "Shared.publish"),
    "change": Place(_JOURNAL, "SqliteJournal.change"),
    "sign": Place(f"{_INTAKE}.receipts", "Receipts.document"),
    "answer": Place(f"{_INTAKE}.connection", "StationConnection.send"),
}

NAMES: Final = tuple(f"{edge}-{step}" for step in STEPS for edge in ("before", "after"))
