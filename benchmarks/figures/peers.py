"""Answered live, against the proxies that people use: each on one core, none keeps anything."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.figures.live import answered_live
from benchmarks.gateway import gateway
from benchmarks.load import Load
from benchmarks.peers import PEERS, peer
from benchmarks.plan import SIZES, Plan
from benchmarks.programs import answering, free_port
from benchmarks.results import Figure, rates

_GOALS: Final[Mapping[tuple[str, str], float]] = {
    ("Caddy", "2 KB"): 1.0,
    ("Traefik", "2 KB"): 1.0,
    **{("Envoy", size): 0.6 for size in SIZES},
}


def measure(plan: Plan) -> Figure:
    """Requests per second, one row for each peer and size."""
    rows = []
    for size in plan.sizes:
        load, upstream = Load(SIZES[size]), free_port()
        with (
            plan.room(f"peers {size}") as room,
            answering(upstream, core=plan.cores.rest, folder=room),
            gateway(plan.cores, room, upstream_port=upstream) as ours,
        ):
            for name in PEERS:
                (room / name).mkdir()
                with peer(
                    name, upstream_port=upstream, core=plan.cores.server, folder=room / name
                ) as (program, port):
                    measured = plan.in_turn(
                        partial(answered_live, load, ours), partial(load.run, program, port)
                    )
                rows.append(rates(f"{name}, {size}", *measured, goal=_GOALS.get((name, size))))
                plan.say(f"  {name}, {size}: done")
    note = (
        "The load and the upstream share the other core, which holds the fastest proxies back: "
        "their ratio by processor time is the honest one."
    )
    return Figure(3, "Answered live, against proxies that keep nothing", tuple(rows), note)
