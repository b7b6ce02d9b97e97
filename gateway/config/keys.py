"""The settings as flat dotted keys, for everything that goes through all of them."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic.fields import FieldInfo

from gateway.config.settings import RouteSettings, Section, Settings

ROUTES: Final = "routes"
PASSWORD: Final = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: its section (``upstream``), its name (``url``), and what is said of it."""

    section: str
    name: str
    field: FieldInfo

    def __str__(self) -> str:
        """The dotted name."""
        return f"{self.section}.{self.name}"


@cache
def sections() -> dict[str, type[Section]]:
    """Each section's name and model, in the order of the reference; ``routes`` holds many."""
    defaults = Settings()
    return {
        name: RouteSettings if name == ROUTES else type(getattr(defaults, name))
        for name in Settings.model_fields
    }


def keys() -> Iterator[Key]:
    """Every key there is, those of a route among them."""
    for section, model in sections().items():
        for name, field in model.model_fields.items():
            yield Key(section, name, field)


def flat(settings: Settings) -> dict[str, object]:
    """Each key that a source may give, with its value: routes are given as a whole."""
    values: dict[str, object] = {}
    for key in keys():
        section = getattr(settings, key.section)
        if key.section == ROUTES:
            values[ROUTES] = section
        else:
            values[str(key)] = getattr(section, key.name)
    return values


def shown(value: object) -> object:
    """A value as it may be printed: plain types, and no password in a URL."""
    match value:
        case None | bool() | int() | float():
            return value
        case tuple():
            return [shown(each) for each in value]
        case Section():
            return value.model_dump(mode="json")
        case _:
            return PASSWORD.sub(r"\1:***@", str(value))


def nearest(key: str) -> str:
    """``; did you mean …?`` with the valid key that looks most like it, or nothing."""
    known = [str(each) for each in keys()]
    name = key.rpartition(".")[2]
    # The right name in another section is nearer than a likeness of letters.
    close = [each for each in known if each.partition(".")[2] == name]
    close = close or difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
