"""Accepted: durable, sealed and signed before the 202, against aiohttp that only reads and answers.

Delivery is paused, as in an outage: what is measured is the promise, not what follows it.
"""

from functools import partial
from typing import Final

from benchmarks.gateway import gateway
from benchmarks.load import ASYNC, Load
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import bare, free_port, running
from benchmarks.results import Figure, rates

GOALS: Final = {"2 KB": 0.60, "200 KB": 0.45, "1 MB": 0.50}


def measure(plan: Plan) -> Figure:
    """Requests per second, one row for each size."""
    rows = []
    for name in plan.sizes:
        load = Load(SIZES[name], headers=ASYNC)
        answering = free_port()
        with (
            plan.room(f"accepted {name}") as room,
            gateway(plan.cores, room, upstream_port=free_port()) as ours,
            running(
                "answer",
                bare("answer", answering),
                core=plan.cores.server,
                folder=room,
                port=answering,
            ) as limit,
        ):
            ours.ask("pause", method="POST", body={"reason": "measuring"})
            measured = plan.in_turn(
                partial(load.run, ours.program, ours.port), partial(load.run, limit, answering)
            )
            rows.append(rates(name, *measured, goal=GOALS[name]))
            plan.say(f"  {name}: done")
    return Figure(1, "Accepted, against bare aiohttp", tuple(rows))
