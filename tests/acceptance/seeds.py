"""Seeds of one fault, tried one after the other: one that fails is told, and the next is tried.

What came of a seed is printed and written down before the next begins, so that a run that is cut
off has not been for nothing. Must not know what the fault is.
"""

import json
import os
import statistics
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

RESULTS: Final = os.environ.get("ENROLLMENT_CLUSTER_RESULTS")
"""A folder for what came of each seed: ``make cluster`` makes its page of it."""
INTAKE_SECONDS: Final = 5.0
DELIVERY_SECONDS: Final = 10.0
"""In the median of all seeds of a fault; from the fault to the first that came after it."""


@dataclass(frozen=True, slots=True)
class Back:
    """Seconds until it went on."""

    intake: float
    delivery: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one seed. ``trouble``: why it failed; ``back`` is None then."""

    fault: str
    seed: int
    back: Back | None = None
    trouble: str | None = None


async def tried(
    fault: str, seeds: Iterable[int], one: Callable[[int], Awaitable[Back]]
) -> list[Tried]:
    """Try each seed; whatever it ends with, the next is tried too."""
    results: list[Tried] = []
    file = None if RESULTS is None else Path(RESULTS, f"{fault.replace(' ', '-')}.jsonl")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    for seed in seeds:
        try:
            result = Tried(fault, seed, await one(seed))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and fails the test
            traceback.print_exc()
            result = Tried(fault, seed, trouble=_first_line(error))
        results.append(result)
        print(told(result), flush=True)  # noqa: T201 - for who waits half an hour
        if file is not None:
            with file.open("a") as out:
                out.write(json.dumps(asdict(result)) + "\n")
    return results


def load(text: str) -> list[Tried]:
    """What was written."""
    documents = [json.loads(line) for line in text.splitlines()]
    return [
        Tried(**document | {"back": Back(**document["back"]) if document["back"] else None})
        for document in documents
    ]


def told(result: Tried) -> str:
    """A line for people."""
    if result.back is None:
        return f"{result.fault}, seed {result.seed}: FAILED: {result.trouble}"
    back = result.back
    return (
        f"{result.fault}, seed {result.seed}: intake back in {back.intake:.2f} s, "
        f"delivery in {back.delivery:.2f} s"
    )


def summary(results: Sequence[Tried]) -> str:
    """All of them together."""
    backs = [result.back for result in results if result.back is not None]
    if not backs:
        return f"{len(results)} seeds, all failed"
    failed = len(results) - len(backs)
    others = f"{failed} FAILED; in the others " if failed else ""
    intake = [back.intake for back in backs]
    delivery = [back.delivery for back in backs]
    return (
        f"{len(results)} seeds: {others}0 lost, 0 doubled; back in "
        f"{statistics.median(intake):.1f} s (intake; worst {max(intake):.1f} s), "
        f"{statistics.median(delivery):.1f} s (delivery; worst {max(delivery):.1f} s)"
    )


def good(results: Sequence[Tried]) -> bool:
    """Whether all are unharmed, and the median of them is back in time."""
    backs = [result.back for result in results if result.back is not None]
    return (
        len(backs) == len(results) > 0
        and statistics.median(back.intake for back in backs) < INTAKE_SECONDS
        and statistics.median(back.delivery for back in backs) < DELIVERY_SECONDS
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
