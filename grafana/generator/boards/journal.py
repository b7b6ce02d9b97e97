"""Journal: is what was promised durable, is there room, how old is it?"""

from typing import Final

from grafana.generator import meaning, queries
from grafana.generator.meaning import rising
from grafana.generator.model import Dashboard, Panel, Query, Section
from grafana.generator.queries import gateway, levels, rate

_COMMITS: Final = Section(
    "Commits",
    (
        Panel(
            question="How long does a commit take?",
            description="One group commit until durable. A station's promise waits for it. Above "
            "0.1 s look at the disk; above 0.25 s promises come late.",
            unit=meaning.SECONDS,
            queries=tuple(
                Query(queries.quantile(share, "journal_commit_duration_seconds"), name)
                for share, name in ((0.5, "half"), (0.99, "99 %"))
            ),
            steps=rising(0.1, 0.25),
        ),
        Panel(
            question="How soon is an enrollment safe?",
            description="From its last body byte to durable: the wait for a place in a commit, and "
            "the commit.",
            unit=meaning.SECONDS,
            queries=tuple(
                Query(queries.quantile(share, "accept_duration_seconds"), name)
                for share, name in ((0.5, "half"), (0.99, "99 %"))
            ),
            steps=rising(0.25, 1),
        ),
        Panel(
            question="How many commits are there?",
            description="Group commits per second. Under load it levels off at what the disk "
            "bears, and each commit takes in more.",
            unit=meaning.PER_SECOND,
            queries=(
                Query(
                    rate(gateway("journal_commit_duration_seconds_count"), "instance"),
                    "{{instance}}",
                ),
            ),
        ),
        Panel(
            question="How many changes share one commit?",
            description="The mean. It grows with the load: durable does not mean one commit each.",
            unit=meaning.COUNT,
            queries=(Query(queries.mean("journal_commit_records"), "changes"),),
        ),
    ),
)

_ROOM: Final = Section(
    "Room",
    (
        Panel(
            question="How near is the journal to its limit?",
            description="Bytes taken, and bytes allowed. At the limit new enrollments are refused.",
            unit=meaning.BYTES,
            queries=(
                Query(gateway("journal_bytes"), "taken {{instance}}"),
                Query(gateway("journal_limit_bytes"), "limit {{instance}}"),
            ),
        ),
        Panel(
            question="What share of the journal is taken?",
            description="Of the bytes allowed. Above 70 % ask when the server will be back; above "
            "90 % make room or raise `journal.max_bytes`.",
            unit=meaning.SHARE,
            queries=(
                Query(
                    f"{gateway('journal_bytes')} / {gateway('journal_limit_bytes')}",
                    "{{instance}}",
                ),
            ),
            steps=rising(0.7, 0.9),
            most=1,
        ),
        Panel(
            question="How much room is left on the disk?",
            description="Below 0.5 GiB (`journal.min_free_bytes`) the gateway refuses rather than "
            "fill the disk. A gap: not known.",
            unit=meaning.BYTES,
            queries=(Query(gateway("journal_free_bytes"), "{{instance}}"),),
            steps=meaning.falling(512 * 2**20, 2 * 2**30),
        ),
        Panel(
            question="How fast does the journal grow?",
            description="Bytes per second, smoothed; below zero it gives space back.",
            unit="Bps",
            queries=(
                Query(f"deriv({gateway('journal_bytes')}[$__rate_interval])", "{{instance}}"),
            ),
        ),
    ),
)

_HOLDINGS: Final = Section(
    "What it holds",
    (
        Panel(
            question="Where do the enrollments stand?",
            description="Undelivered and left to people, by status. Those in a final status are "
            "kept for the retention only.",
            unit=meaning.COUNT,
            queries=(
                Query(
                    levels(
                        gateway("enrollments", 'status=~"pending|sending|in_doubt|dead_letter"'),
                        "instance",
                        "status",
                    ),
                    "{{status}} {{instance}}",
                ),
            ),
        ),
        Panel(
            question="How many answers are kept for stations that ask again?",
            description="Enrollments in a final status, still within the retention.",
            unit=meaning.COUNT,
            queries=(
                Query(
                    levels(
                        gateway("enrollments", 'status=~"delivered|rejected|cancelled"'),
                        "instance",
                        "status",
                    ),
                    "{{status}} {{instance}}",
                ),
            ),
        ),
        Panel(
            question="How old is the oldest one that waits?",
            description="Age of the oldest enrollment that is not delivered; 0: none waits. A gap: "
            "the journal does not answer.",
            unit=meaning.SECONDS,
            queries=(Query(gateway("oldest_undelivered_age_seconds"), "{{instance}}"),),
            steps=meaning.UNDELIVERED_AGE,
            width=24,
        ),
    ),
)

JOURNAL: Final = Dashboard(
    uid="enrollment-gateway-journal",
    folder="operations",
    title="Journal",
    description="Whether what was promised is durable, and whether there is room for more.",
    span="6h",
    refresh="30s",
    sections=(_COMMITS, _ROOM, _HOLDINGS),
)
