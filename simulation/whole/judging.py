"""What must be true when a history is over: by the journal, the server's books, and the judge.

The judge is the one of the load tests: it shares no code with the gateway.
"""

from collections.abc import Iterator

from gateway.core.lifecycle import Status
from gateway.journal.contract import Kept
from loadtests.evidence import Case, gather
from loadtests.logs import End, Recorded, Run, SentEvent
from loadtests.verdict import decide
from simulation.whole.secrets import key_of
from simulation.whole.world import World

_NEVER = ("doubled", "invented", "altered", "out_of_order", "dishonest")
_LEAST_EFFECTS = {Status.DELIVERED: 1}
_MOST_EFFECTS = {Status.REJECTED: 0}


def judge(world: World) -> None:
    """Complain of everything that is wrong at the end."""
    for what in (*_by_the_books(world), *_by_the_judge(world)):
        world.complain(what)


def _by_the_books(world: World) -> Iterator[str]:
    kept = {key_of(one): one for one in world.journal.durable_rows()}
    effects = world.shell.recorded
    for key in sorted(world.stations.accepted - kept.keys()):
        yield f"{key} was promised, and the journal does not have it"
    for key, one in kept.items():
        yield from _life(key, one, effects.get(key, 0))
    for key in sorted(effects.keys() - kept.keys()):
        yield f"{key} was recorded, and the journal does not have it"
    if len(kept) != len(world.journal.durable_rows()):
        yield "the journal has two enrollments with one key"
    residence = max(
        (e.at - e.received_at for e in world.shell.ledger if isinstance(e, Recorded)), default=0.0
    )
    if residence > world.scenario.policy.settle_seconds:
        yield "the history is void: the server took longer than it promises to settle"
    if not _rough(world) and world.tally["attempts"] != len(kept):
        yield f"{world.tally['attempts']} attempts for {len(kept)} although nothing went wrong"


def _life(key: str, one: Kept, effects: int) -> Iterator[str]:
    status = one.life.status
    if status in {Status.PENDING, Status.SENDING, Status.IN_DOUBT, Status.DEAD_LETTER}:
        yield f"{key} ended {status}"
    least, most = _LEAST_EFFECTS.get(status, 0), _MOST_EFFECTS.get(status, 1)
    if not least <= effects <= most:
        yield f"{key} is {status}, and was recorded {effects} times"


def _rough(world: World) -> bool:
    scenario, tally = world.scenario, world.tally
    faults = (scenario.faults, scenario.network, scenario.odd, scenario.ends, scenario.acts)
    return any(faults) or bool(tally["upstream open"] or tally["attempts in_doubt"])


def _by_the_judge(world: World) -> Iterator[str]:
    end = world.history.now()
    run = Run({"name": "whole"}, world.scenario.seed, 1.0, "gateway", 0.0, 0.0)
    sent: list[SentEvent] = [run, *world.stations.log, End(end, world.stations.busy, 0.0)]
    evidence = gather(sent, world.shell.ledger)
    verdict = decide(evidence)
    for finding in verdict.findings:
        if finding.kind in _NEVER and finding.count:
            yield f"the judge: {finding.count} {finding.kind}: {finding.meaning}"
    for reason in verdict.invalid:
        yield f"the judge: invalid: {reason}"
    settled = {key_of(one): one.life.status for one in world.journal.durable_rows()}
    for case in evidence.cases.values():
        if not case.effects and not _may_be_unrecorded(case, settled.get(case.key)):
            yield f"the judge: {case.key} is lost"
        if case.effects and case.final == "rejected":
            yield f"the judge: {case.key} was recorded, and its station was told no"


def _may_be_unrecorded(case: Case, status: Status | None) -> bool:
    """A person cancelled it, or the server itself said no."""
    return status is Status.CANCELLED or (
        status is Status.REJECTED and case.final in {None, "rejected", "dead_letter"}
    )
