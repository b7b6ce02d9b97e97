"""How thorough a run is: rounds, seconds, cores, a folder for what it leaves."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.load import WARM_UP_SECONDS, Measured
from benchmarks.programs import Cores

SIZES: Final = {"2 KB": 2048, "200 KB": 200 * 1024, "1 MB": 1024 * 1024}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a figure is measured with.

    Attributes:
        rounds: of each side, in turn.
        seconds: of each round.
        sizes: bodies, by the names of ``SIZES``.
        folder: scratch, on the disk whose speed is in question.
        cores: for servers, and for the rest.
        say: tells a person what happens.
    """

    rounds: int
    seconds: float
    folder: Path
    cores: Cores
    sizes: tuple[str, ...] = tuple(SIZES)
    say: Callable[[str], None] = field(default=print)

    @contextmanager
    def room(self, name: str) -> Iterator[Path]:
        """A folder that is gone afterwards: a round may write gigabytes."""
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def in_turn(
        self, ours: Callable[..., Measured], bare: Callable[..., Measured]
    ) -> tuple[list[Measured], list[Measured]]:
        """Rounds of both, alternating, after one of each that does not count.

        Both are called with ``seconds`` and ``core``, where the load runs.
        """
        first: list[Measured] = []
        second: list[Measured] = []
        at = {"seconds": self.seconds, "core": self.cores.rest}
        ours(seconds=WARM_UP_SECONDS, core=self.cores.rest)
        bare(seconds=WARM_UP_SECONDS, core=self.cores.rest)
        for number in range(self.rounds):
            # Who begins changes, so that what drifts does not always hit the same side.
            if number % 2:
                second.append(bare(**at))
                first.append(ours(**at))
            else:
                first.append(ours(**at))
                second.append(bare(**at))
        return first, second
