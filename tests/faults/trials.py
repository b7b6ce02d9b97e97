"""What a mark claims, and what came of a test that carries it. Data; must not know pytest."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, TypeAlias

Result: TypeAlias = Literal["passed", "failed", "skipped"]
Seen: TypeAlias = Callable[[str], None]
WORST_FIRST: Final[tuple[Result, ...]] = ("failed", "skipped", "passed")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one mark says; see ``campaign``."""

    row: int
    did: str
    sees: str
    stand_in: str | None = None


@dataclass(slots=True)
class Trial:
    """One test function, all its cases with the same marks together, as far as they ran.

    Attributes:
        name: its path and name, without a case.
        claims: its marks.
        results: the worst of each case's phases, by the case's id.
        seconds: all phases of all cases.
        seen: figures that passing cases left.
        troubles: why cases did not pass, a line each.
    """

    name: str
    claims: tuple[Claim, ...]
    results: dict[str, Result] = field(default_factory=dict)
    seconds: float = 0.0
    seen: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def result(self) -> Result | None:
        """The worst of its cases; None: none of them ran."""
        return next((each for each in WORST_FIRST if each in self.results.values()), None)


def dump(trials: Iterable[Trial]) -> str:
    """As text, for ``load``."""
    return json.dumps([asdict(trial) for trial in trials], indent=1)


def load(text: str) -> list[Trial]:
    """What ``dump`` wrote."""
    return [
        Trial(**{**document, "claims": tuple(Claim(**claim) for claim in document["claims"])})
        for document in json.loads(text)
    ]
