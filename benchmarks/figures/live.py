"""Answered live: journaled, sealed, forwarded, against a plain aiohttp proxy that keeps nothing."""

from functools import partial
from typing import Final

from benchmarks.gateway import Gateway, gateway
from benchmarks.load import Load, Measured
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import BenchmarkFault, answering, bare, free_port, running
from benchmarks.results import Figure, rates

GOALS: Final = {"2 KB": 1.8, "200 KB": 1.0, "1 MB": 0.8}
_LIVE_SHARE: Final = 0.98


def measure(plan: Plan) -> Figure:
    """Requests per second, one row for each size."""
    rows = []
    for name in plan.sizes:
        load = Load(SIZES[name])
        upstream, proxy = free_port(), free_port()
        with (
            plan.room(f"live {name}") as room,
            answering(upstream, core=plan.cores.rest, folder=room),
            gateway(plan.cores, room, upstream_port=upstream) as ours,
            running(
                "proxy",
                bare("proxy", proxy, f"http://127.0.0.1:{upstream}"),
                core=plan.cores.server,
                folder=room,
                port=proxy,
            ) as limit,
        ):
            measured = plan.in_turn(
                partial(answered_live, load, ours), partial(load.run, limit, proxy)
            )
            rows.append(rates(name, *measured, goal=GOALS[name]))
            plan.say(f"  {name}: done")
    return Figure(2, "Answered live, against a plain aiohttp proxy", tuple(rows))


def answered_live(load: Load, ours: Gateway, *, seconds: float, core: int) -> Measured:
    """A round in which the stations got the server's own answers, not receipts.

    Raises:
        BenchmarkFault: too many got receipts.
    """
    before = ours.count("requests_total", outcome="answered")
    measured = load.run(ours.program, ours.port, seconds=seconds, core=core)
    answered = ours.count("requests_total", outcome="answered") - before
    # The first round of a run may fill the window; what is left open at its end is not answered.
    if seconds > 1.0 and answered < _LIVE_SHARE * measured.answers:
        raise BenchmarkFault(f"only {answered:.0f} of {measured.answers} were answered live")
    return measured
