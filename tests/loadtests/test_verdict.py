"""The verdict has teeth: an honest run passes, one forged line is named by its key."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.logs import (
    Answer,
    Dropped,
    End,
    Event,
    LogWriter,
    Recorded,
    Run,
    Sample,
    Sent,
    SentEvent,
    Server,
    State,
    Told,
    to_line,
)
from loadtests.targets import TargetError
from loadtests.verdict import Verdict, judge
from tests.loadtests.honest import T0, Logs, honest, only

KEY = "k033"
"""An enrollment of the forged runs: ordered, told `delivered` at once, sent after the outage."""


def swap(events: list[SentEvent], old: SentEvent, *new: SentEvent) -> list[SentEvent]:
    at = events.index(old)
    return [*events[:at], *new, *events[at + 1 :]]


def lose(logs: Logs, key: str) -> Logs:
    return Logs(logs.sent, [e for e in logs.ledger if e is not only(logs.ledger, Recorded, key)])


def double(logs: Logs, key: str) -> Logs:
    effect = only(logs.ledger, Recorded, key)
    return Logs(logs.sent, [*logs.ledger, replace(effect, number=999, at=effect.at + 1)])


def double_under_another_key(logs: Logs, key: str) -> Logs:
    effect = only(logs.ledger, Recorded, key)
    return Logs(logs.sent, [*logs.ledger, replace(effect, number=999, key="pressed-again")])


def invent(logs: Logs, key: str) -> Logs:
    effect = only(logs.ledger, Recorded, key)
    stranger = replace(effect, number=999, key=f"not-{key}", enrollment=f"not-{key}")
    return Logs(logs.sent, [*logs.ledger, stranger])


def alter(logs: Logs, key: str) -> Logs:
    effect = only(logs.ledger, Recorded, key)
    forged = replace(effect, sha256=f"{'0' * 63}1")
    return Logs(logs.sent, [forged if e is effect else e for e in logs.ledger])


def cut_short(logs: Logs, key: str) -> Logs:
    effect = only(logs.ledger, Recorded, key)
    forged = replace(effect, bytes=effect.bytes - 1)
    return Logs(logs.sent, [forged if e is effect else e for e in logs.ledger])


def record_late(logs: Logs, key: str) -> Logs:
    """Move the effect behind all others of its ordering key, and the answer behind it."""
    effect = only(logs.ledger, Recorded, key)
    last = max(event.at for event in logs.ledger if isinstance(event, Recorded))
    late = replace(effect, number=999, at=last + 1)
    told = only(logs.sent, Told, key)
    promised = replace(told, status=202, told="accepted")
    sent = swap(logs.sent, told, promised, replace(told, at=last + 2))
    sent = [
        e
        for e in sent
        if not (isinstance(e, Told) and e.key == key and e.at < last + 2 and e.told == "delivered")
    ]
    return Logs(sent, [late if e is effect else e for e in logs.ledger])


def tell_too_early(logs: Logs, key: str) -> Logs:
    told, effect = only(logs.sent, Told, key), only(logs.ledger, Recorded, key)
    early = replace(told, told="delivered", status=201, at=effect.at - 0.01)
    return Logs(swap(logs.sent, told, early), logs.ledger)


def deny(answer: Answer) -> Callable[[Logs, str], Logs]:
    def forge(logs: Logs, key: str) -> Logs:
        last = [e for e in logs.sent if isinstance(e, Told) and e.key == key][-1]
        denied = Told(key, last.at, last.attempt, 400, "rejected")
        return Logs(swap(logs.sent, last, replace(denied, told=answer)), logs.ledger)

    return forge


FORGERIES: dict[str, tuple[Callable[[Logs, str], Logs], str, int]] = {
    "one lost": (lose, "lost", 3),
    "one doubled": (double, "doubled", 3),
    "one doubled under a fresh key": (double_under_another_key, "doubled", 3),
    "one invented": (invent, "invented", 3),
    "one altered": (alter, "altered", 3),
    "one cut short": (cut_short, "altered", 3),
    "one out of order": (record_late, "out_of_order", 1),
    "one told delivered before it was": (tell_too_early, "dishonest", 1),
    "one told rejected though recorded": (deny("rejected"), "contradicted", 1),
    "one in the dead letters though recorded": (deny("dead_letter"), "contradicted", 1),
}


def found(verdict: Verdict) -> dict[str, int]:
    return {finding.kind: finding.count for finding in verdict.findings if finding.count}


def test_an_honest_run_passes_and_says_so_in_one_sentence() -> None:
    verdict = honest().judge()
    assert verdict.exit_code == 0
    assert found(verdict) == {}
    assert verdict.sentence == (
        "PASSED: all 40 enrollments were recorded exactly once, though the server was down for"
        " 10 s; the 10 that waited were through 2.6 s after its return (ideal: 2.8 s)."
    )


@pytest.mark.parametrize("name", FORGERIES)
def test_each_forged_line_is_named_by_its_key(name: str) -> None:
    forge, kind, code = FORGERIES[name]
    verdict = forge(honest(), KEY).judge()
    assert verdict.exit_code == code
    assert found(verdict)[kind] == 1
    finding = next(finding for finding in verdict.findings if finding.kind == kind)
    assert len(finding.examples) == 1
    assert KEY in finding.examples[0]


@given(
    name=st.sampled_from(sorted(FORGERIES)),
    seed=st.integers(0, 999),
    count=st.integers(8, 40),
    outage=st.booleans(),
    data=st.data(),
)
def test_a_random_honest_run_is_green_and_any_single_forgery_is_red(
    name: str, seed: int, count: int, *, outage: bool, data: st.DataObject
) -> None:
    logs = honest(count, seed=seed, outage=outage)
    assert logs.judge().exit_code == 0
    forge, kind, code = FORGERIES[name]
    # An enrollment can be overtaken only if it has an ordering key and a successor.
    numbers = range(0, count - 3, 3) if kind == "out_of_order" else range(count)
    verdict = forge(logs, f"k{data.draw(st.sampled_from(numbers)):03}").judge()
    assert verdict.exit_code == code
    assert found(verdict)[kind] == 1


def test_a_promise_that_was_broken_is_counted_apart() -> None:
    logs = lose(lose(honest(), KEY), "k034")
    told = only(logs.sent, Told, "k034")
    verdict = Logs([e for e in logs.sent if e is not told], logs.ledger).judge()
    assert (verdict.measures["lost"], verdict.measures["lost_promised"]) == (2, 1)
    assert verdict.sentence == "FAILED: 2 lost (1 after a promise), of 40 enrollments."
    assert verdict.measures["undecided"] == 1


def test_two_on_the_way_together_have_no_order() -> None:
    logs = record_late(honest(), KEY)
    sent = [e for e in logs.sent if not (isinstance(e, Told) and e.key == KEY)]
    assert "out_of_order" not in found(Logs(sent, logs.ledger).judge())


def without(kind: type[Event]) -> Callable[[Logs], Logs]:
    def forge(logs: Logs) -> Logs:
        return Logs(
            [event for event in logs.sent if not isinstance(event, kind)],
            [event for event in logs.ledger if not isinstance(event, kind)],
        )

    return forge


def late(logs: Logs) -> Logs:
    return Logs(
        [replace(e, at=e.due + 0.06) if isinstance(e, Sent) else e for e in logs.sent], logs.ledger
    )


INVALID: dict[str, tuple[Callable[[Logs], Logs], str]] = {
    "no run line": (without(Run), "does not begin with a run line"),
    "no server line": (without(Server), "does not begin with a server line"),
    "no end": (without(End), "did not write their end: 1"),
    "nothing sent": (lambda _: Logs(honest().sent[:1], honest().ledger[:1]), "no station sent"),
    "a dropped arrival": (
        lambda logs: Logs([*logs.sent, Dropped(T0, "36.03.01-1", "pool full")], logs.ledger),
        "generator dropped: 1",
    ),
    "behind the schedule": (late, "60 ms, at most 50 ms"),
    "no processor left": (
        lambda logs: Logs([*logs.sent, End(T0, 0, 99.0)], logs.ledger),
        "saturated: 99 %, at most 90 %",
    ),
    "an answer to nobody": (
        lambda logs: Logs([*logs.sent, Told("ghost", T0, 1, 503, "refused")], logs.ledger),
        "never sent: 1, among them ghost",
    ),
    "two seeds in one log": (
        lambda logs: Logs(
            [*logs.sent, replace(only(logs.sent, Run), seed=2), End(T0, 0, 1.0)], logs.ledger
        ),
        "different settings",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_run_that_proves_nothing_is_invalid_and_says_why(name: str) -> None:
    forge, reason = INVALID[name]
    verdict = forge(honest()).judge()
    assert any(reason in why for why in verdict.invalid)
    assert verdict.exit_code == (3 if verdict.measures["invented"] else 2)


def test_harm_weighs_more_than_an_invalid_run_and_both_are_said() -> None:
    verdict = lose(late(honest()), KEY).judge()
    assert verdict.exit_code == 3
    assert verdict.sentence.startswith("FAILED: 1 lost (1 after a promise), of 40")
    assert "The run is invalid as well: the generator was late" in verdict.sentence


def test_the_limits_of_a_scenario_replace_the_usual_ones() -> None:
    assert late(honest()).scenario(limits={"sent_late_p99_seconds": 0.1}).judge().exit_code == 0
    slow = honest().scenario(limits={"answered_within_seconds": 0.2}).judge()
    assert 0 < (slow.measures["answered_in_time"] or 0) < 1
    with pytest.raises(TargetError, match=r"no such limit: patience. Known: answered_within"):
        honest().scenario(limits={"patience": 1}).judge()


def test_every_missed_target_is_reported_not_the_first_alone() -> None:
    targets = {
        "drain_ratio": {"max": 0.5},
        "retips": {"max": 0},
        "answer_max": {"max": 1},
        "max_outstanding": {"min": 3, "max": None},
    }
    verdict = honest().scenario(targets=targets).judge()
    assert verdict.exit_code == 1
    missed = [check.target.measure for check in verdict.checks if not check.passed]
    assert missed == ["drain_ratio", "answer_max", "max_outstanding"]
    assert "drain_ratio 0.945, wanted at most 0.5" in verdict.sentence


def test_a_target_without_anything_to_measure_is_missed() -> None:
    verdict = honest(outage=False).scenario(targets={"drain_ratio": {"max": 2}}).judge()
    assert verdict.exit_code == 1
    assert "drain_ratio nothing to measure, wanted at most 2" in verdict.sentence


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"drian_ratio": {"max": 1}}, "target drian_ratio: no such measure. Known: arrivals"),
        ({"lost": {"most": 1}}, "target lost: give min, max or both"),
        ({"lost": 0}, "target lost: give min, max or both"),
        ({"lost": {"max": "0"}}, "target lost: '0' is no number"),
        ({"lost": {"max": True}}, "target lost: True is no number"),
    ],
)
def test_a_target_that_cannot_be_judged_is_a_clear_error(
    target: dict[str, object], text: str
) -> None:
    with pytest.raises(TargetError, match=text):
        honest().scenario(targets=target).judge()


def test_a_folder_is_judged_by_its_two_files(tmp_path: Path) -> None:
    write(tmp_path, honest())
    verdict = judge(tmp_path)
    assert verdict == honest().judge()
    data = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert next(iter(data)) == "sentence"
    assert data["exit_code"] == 0
    assert data["measures"]["arrivals"] == 40


def test_an_empty_folder_is_an_invalid_run(tmp_path: Path) -> None:
    verdict = judge(tmp_path)
    assert verdict.exit_code == 2
    assert len(verdict.invalid) == 3


def test_a_torn_tail_is_noted_and_a_torn_middle_makes_the_run_invalid(tmp_path: Path) -> None:
    write(tmp_path, honest())
    ledger = tmp_path / "ledger.jsonl"
    sample = to_line(Sample(T0, 0, 0, 0, 0, 0, 4.0))[:-9]
    ledger.write_bytes(ledger.read_bytes() + sample)
    verdict = judge(tmp_path)
    assert verdict.exit_code == 0
    assert "the last line is torn" in verdict.notes[0]
    ledger.write_bytes(ledger.read_bytes() + b"\n" + to_line(State(T0, "up")))
    verdict = judge(tmp_path)
    assert verdict.exit_code == 2
    assert "ledger.jsonl:" in verdict.sentence


def write(folder: Path, logs: Logs) -> None:
    for name, events in (("sent", logs.sent), ("ledger", logs.ledger)):
        with LogWriter(folder / f"{name}.jsonl") as log:
            for event in events:
                log.write(event)
