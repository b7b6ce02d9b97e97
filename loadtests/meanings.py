"""The measures by name, with what each counts. What takes them is `loadtests.measures`."""

Figure = float | None
"""A measured value; infinite for what never ended, `None` where the run has nothing to measure."""

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}

MEANINGS = {
    "arrivals": "enrollments that stations sent",
    "recorded": "enrollments with at least one effect at the server",
    "once": "enrollments with exactly one effect",
    "lost": "enrollments without an effect",
    "lost_promised": "lost ones that were promised to a station",
    "doubled": "enrollments with more than one effect",
    "invented": "effects that no station sent",
    "altered": "enrollments recorded with other bytes",
    "out_of_order": "enrollments overtaken by a later one of the same ordering key",
    "dishonest": "told `delivered` before the server had recorded it",
    "contradicted": "told no, and yet recorded",
    "undecided": "stations without a final answer at the end",
    "rejected": "stations told `rejected`",
    "dead_letters": "stations told `dead_letter`",
    "answered_in_time": "share of arrivals with a promise within the limit, from the due time",
    **{f"answer_{name}": f"seconds from due to the final answer, {name}" for name in PERCENTILES},
    **{f"promise_{name}": f"seconds from due to the promise, {name}" for name in PERCENTILES},
    "outages": "times the server was down",
    "outage_seconds": "seconds the server was down",
    "collapses": "times load tipped the server over",
    "retips": "times load tipped it over again after a return",
    "drain_seconds": "seconds from the server's return to backlog zero, the worst",
    "drain_ratio": "that time over the ideal, backlog / (capacity - arrivals), the worst",
    "attempts_ratio": "attempts the server received per enrollment recorded, outside outages",
    "capacity_used": "share of the server's capacity that was used while more waited than it has"
    " workers",
    "flood_slowdown": "mean delay from due to recorded of the stations that do not flood, in the"
    " flood over before it",
    "backlog_deliveries": "enrollments that the server received after their promise",
    "overtaken_share": "share of those that a later one of their priority passed, though they"
    " could go",
    "order_inversions_share": "the same, passed by more than were ever outstanding at once",
    "overtaken_most": "how many later ones passed a single one",
    "max_outstanding": "most requests at the server at once",
    "recorded_per_second": "enrollments recorded per second, over the whole run",
    "sent_late_p99": "seconds that the generator was behind its schedule, p99",
}
"""Every measure by name, with what it counts."""
