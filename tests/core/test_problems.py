"""The problem documents: complete in both languages, stable in type, silent about requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.problems import (
    DESCRIPTIONS,
    Language,
    ProblemType,
    choose_language,
    document,
    encode,
    status_of,
)

PUBLIC = {
    "bad-request": 400,
    "idempotency-key-required": 400,
    "idempotency-key-invalid": 400,
    "idempotency-key-reused": 422,
    "content-digest-mismatch": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "body-too-large": 413,
    "too-many-requests": 429,
    "journal-full": 503,
    "journal-unavailable": 503,
    "overloaded": 503,
    "upstream-unavailable": 503,
    "request-timeout": 408,
}


@pytest.mark.parametrize(("name", "status"), PUBLIC.items())
def test_every_public_problem_has_its_status(name: str, status: int) -> None:
    assert status_of(ProblemType(name)) == status


@pytest.mark.parametrize("problem", ProblemType)
@pytest.mark.parametrize("language", Language)
def test_every_problem_says_what_and_what_next(problem: ProblemType, language: Language) -> None:
    text = DESCRIPTIONS[problem].text(language)
    assert text.title
    assert text.detail.endswith(".")


def test_the_languages_differ() -> None:
    for description in DESCRIPTIONS.values():
        assert description.english != description.indonesian


def test_a_document_has_the_members_of_rfc_9457() -> None:
    members = json.loads(
        encode(document(ProblemType.BAD_REQUEST, reason="framing", receipt="0197"))
    )
    assert members == {
        "type": "/_gateway/problems/bad-request",
        "title": "The request cannot be read safely",
        "status": 400,
        "detail": "Nothing was kept. Correct the part named in `reason` and send it again.",
        "reason": "framing",
        "receipt": "0197",
    }


def test_what_does_not_exist_is_not_mentioned() -> None:
    assert document(ProblemType.NOT_FOUND).keys() == {"type", "title", "status", "detail"}


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("id", "id"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("ID", "id"),
        ("en;q=0.9, id;q=0.3", "en"),
        ("de", "en"),
        ("de, id;q=0.1", "id"),
        ("id;q=0", "en"),
        ("id;q=x", "en"),
        ("id;q=7", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_asked_for(accept: str | None, language: str) -> None:
    assert choose_language(accept) == language


@given(st.text(max_size=80))
def test_any_accept_language_chooses_some_language(accept: str) -> None:
    assert choose_language(accept) in Language
