"""The language of a problem's texts, and which one a station asks for."""

from enum import StrEnum


class Language(StrEnum):
    """Languages of the texts, as in ``Accept-Language`` and ``Content-Language``."""

    ENGLISH = "en"
    INDONESIAN = "id"


def choose_language(accept_language: str | None) -> Language:
    """Indonesian where ``Accept-Language`` (RFC 9110, section 12.5.4) ranks it above English.

    Anything unreadable counts for nothing; English is the default.
    """
    if not accept_language:
        return Language.ENGLISH
    weights = {Language.ENGLISH: 0.0, Language.INDONESIAN: 0.0}
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().partition("-")[0]
        if primary in weights:
            language = Language(primary)
            weights[language] = max(weights[language], _weight(parameter))
    if weights[Language.INDONESIAN] > weights[Language.ENGLISH]:
        return Language.INDONESIAN
    return Language.ENGLISH


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
