"""A problem as a document (RFC 9457)."""

import json
from typing import Final

from gateway.core.problems.kinds import ProblemType
from gateway.core.problems.language import Language
from gateway.core.problems.texts import DESCRIPTIONS

CONTENT_TYPE: Final = "application/problem+json"
PAGES: Final = "/_gateway/problems/"


def status_of(problem: ProblemType) -> int:
    """The HTTP status that goes with a problem."""
    return DESCRIPTIONS[problem].status


def document(
    problem: ProblemType,
    language: Language = Language.ENGLISH,
    *,
    reason: str | None = None,
    receipt: str | None = None,
    detail: str | None = None,
) -> dict[str, str | int]:
    """The problem as the members of RFC 9457, section 3.1, and two of our own.

    Args:
        problem: its type; ``type`` becomes a relative URI under which the gateway explains it.
        language: of title and detail.
        reason: one short fixed word for machines: what exactly is wrong. Never from the request.
        receipt: the id of the enrollment that it is about, where one exists.
        detail: a text that says more than the usual one. Never from the request.
    """
    description = DESCRIPTIONS[problem]
    text = description.text(language)
    members: dict[str, str | int] = {
        "type": PAGES + problem,
        "title": text.title,
        "status": description.status,
        "detail": detail or text.detail,
    }
    if reason is not None:
        members["reason"] = reason
    if receipt is not None:
        members["receipt"] = receipt
    return members


def encode(members: dict[str, str | int]) -> bytes:
    """The document as the bytes of an ``application/problem+json`` body."""
    return json.dumps(members, ensure_ascii=False).encode()
