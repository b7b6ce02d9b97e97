"""The plain form of what is sealed: envelopes and answers to bytes and back, exactly.

Must not know keys, or where it is kept.
"""

from dataclasses import field

from gateway.core import jsontext
from gateway.core.enrollment import Answer, Enrollment, Headers
from gateway.core.record import dataclass


@dataclass(frozen=True, slots=True)
class Envelope:
    """An enrollment without its body. See ``core.enrollment.Enrollment`` for the fields."""

    method: str
    target: str = field(repr=False)
    headers: Headers = field(repr=False)
    key: str = field(repr=False)
    content_sha256: str
    ordering_key: str | None = field(repr=False)


def dump_envelope(envelope: Envelope | Enrollment) -> bytes:
    """Everything but the body, as bytes: an enrollment's envelope need not be made for that."""
    fields = (
        envelope.method,
        envelope.target,
        envelope.headers,
        envelope.key,
        envelope.content_sha256,
        envelope.ordering_key,
    )
    return jsontext.dump(fields)


def load_fields(plain: bytes) -> tuple[str, str, Headers, str, str, str | None]:
    """The reverse: the fields of an ``Envelope``, in their order."""
    method, target, headers, key, content_sha256, ordering_key = jsontext.load(plain)
    return method, target, _headers(headers), key, content_sha256, ordering_key


def dump_answer(answer: Answer) -> bytes:
    """An answer as bytes: its head's length, its head, its body."""
    head = jsontext.dump((answer.status, answer.headers))
    return len(head).to_bytes(4, "big") + head + answer.body


def load_answer(plain: bytes) -> Answer:
    """The reverse."""
    start = 4 + int.from_bytes(plain[:4], "big")
    status, headers = jsontext.load(plain[4:start])
    return Answer(status=status, headers=_headers(headers), body=plain[start:])


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple([(name, value) for name, value in pairs])
