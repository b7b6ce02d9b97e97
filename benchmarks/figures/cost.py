"""Where the processor's time goes: the steps of one enrollment, each alone, and what they add to.

The steps run in this process on the real parts. What is left of the whole is aiohttp, the event
loop, the store and the kernel.
"""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.gateway import gateway
from benchmarks.load import ASYNC, Load
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, answering, free_port, pinned
from benchmarks.results import Figure, Row
from benchmarks.statistics import spread
from gateway.clock import SystemClock
from gateway.core import facts
from gateway.core.enrollment import Enrollment
from gateway.core.lifecycle import Status
from gateway.intake import signing
from gateway.journal.keyring import KeyRing
from gateway.journal.sealing import Sealer
from gateway.observe.metrics import Metrics

_TIMES = 200
_CLAIMS = {
    "jti": "0197aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "iat": 1,
    "iss": "enrollment-gateway",
    "sub": "desk",
    "content_sha256": "0" * 64,
    "durability": "fsync",
}


def measure(plan: Plan) -> Figure:
    """Processor seconds for 1,000 enrollments accepted."""
    rows = []
    for name in plan.sizes:
        load = Load(SIZES[name], headers=ASYNC)
        with plan.room(f"cost {name}") as room:
            whole, traced = _whole(load, room, plan)
            rows.append(Row(f"{name}, all", "s", spread(whole)))
            more = [one - other for one, other in zip(traced, whole, strict=True)]
            rows.append(Row(f"{name}, tracing, where it is set up", "s more", spread(more)))
            for step, work in _steps(SIZES[name], room).items():
                took = [_seconds(work, plan) for _ in range(plan.rounds)]
                rows.append(Row(f"{name}, {step}", "s", spread(took)))
        plan.say(f"  {name}: done")
    note = (
        "Without a step, an enrollment costs so much less. Tracing is off unless it is set up, and"
        " is not in the whole: so much more it costs to send the spans of every enrollment."
    )
    return Figure(9, "Processor seconds for 1,000 enrollments", tuple(rows), note)


def _whole(load: Load, room: Path, plan: Plan) -> tuple[list[float], list[float]]:
    """Of a gateway without tracing, and of one that sends every trace; in turn."""
    collector = free_port()
    traces = {"tracing__url": f"http://127.0.0.1:{collector}/v1/traces"}
    plain_room, traced_room = room / "plain", room / "traced"
    plain_room.mkdir()
    traced_room.mkdir()
    with (
        answering(collector, core=plan.cores.rest, folder=room),
        gateway(plan.cores, plain_room, upstream_port=free_port()) as plain,
        gateway(plan.cores, traced_room, upstream_port=free_port(), settings=traces) as traced,
    ):
        for each in (plain, traced):
            each.ask("pause", method="POST", body={"reason": "measuring"})
        measured = plan.in_turn(
            partial(load.run, plain.program, plain.port),
            partial(load.run, traced.program, traced.port),
        )
        if not traced.count("trace_spans_total", outcome="exported"):
            raise BenchmarkFault("no trace was sent: is enrollment-gateway[tracing] installed?")
    one, other = ([1e3 * each.cpu for each in side] for side in measured)
    return one, other


def _steps(size: int, room: Path) -> dict[str, Callable[[], object]]:
    keys = signing.load_or_create(room / "receipts.json")
    clock = SystemClock()
    sealer = Sealer(KeyRing.generate())
    metrics = Metrics(version="0", config_sha256="0" * 64, clock=clock)
    body = random.randbytes(size)
    enrollment = Enrollment(
        id=str(_CLAIMS["jti"]),
        station="desk",
        key="key",
        method="POST",
        target="/enrollments",
        headers=(("Content-Type", "application/octet-stream"), ("Idempotency-Key", '"key"')),
        body=body,
        content_sha256="0" * 64,
        accepted_at=clock.now(),
        fingerprint=bytes(32),
    )
    counted = (
        facts.EnrollmentAccepted(enrollment.id, "desk", size, Status.PENDING, 0.01),
        facts.RequestFinished("POST", facts.RequestOutcome.ACCEPTED, 202, 0.01, "desk"),
    )
    return {
        "digest": lambda: hashlib.sha256(body).digest(),
        "sealing": lambda: sealer.seal(enrollment, rank=1.0),
        "signing": lambda: keys.sign(_CLAIMS),
        "metrics": partial(_count, metrics, counted),
    }


def _count(metrics: Metrics, counted: Sequence[facts.Fact]) -> None:
    for fact in counted:
        metrics.on_fact(fact)


def _seconds(work: Callable[[], object], plan: Plan) -> float:
    """Processor seconds for a thousand times."""
    with pinned(plan.cores.server):
        began = time.process_time()
        for _ in range(_TIMES):
            work()
        return (time.process_time() - began) / _TIMES * 1e3
