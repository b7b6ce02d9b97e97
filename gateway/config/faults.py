"""How a bad configuration is told: every problem at once, by key and place."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. It never repeats a value: a value may be a secret.

    Attributes:
        key: dotted name of the setting (``upstream.url``), or "" for a whole file.
        message: what is wrong and what to do.
        where: ``file:line``, the name of a variable or of a flag; "" where nothing was given.
    """

    key: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        """One line: place, key, message."""
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class ConfigFault(Exception):
    """The configuration cannot be used; exit code 78. ``problems`` holds all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
