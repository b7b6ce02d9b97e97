"""Settings of the journal."""

from pathlib import Path

from pydantic import Field

from gateway.config.settings.section import Section
from gateway.config.values import JournalUrl


class Journal(Section):
    """The durable store of enrollments."""

    url: JournalUrl = Field(
        default="sqlite:///enrollment-journal.db",
        description="sqlite:///FILE; three slashes: relative to the working directory, four: "
        "absolute. On a local disk: a network file system does not keep what it promised. Or "
        "postgresql://USER@HOST,HOST/DATABASE, one or several hosts, where several gateways share "
        "one journal; see docs/postgresql.md.",
    )
    max_bytes: int = Field(
        default=21_474_836_480,
        ge=65_536,
        description="Largest size of the journal; above: 503 journal-full. 20 GB hold some "
        "30,000 full packets.",
    )
    min_free_bytes: int = Field(
        default=536_870_912,
        ge=0,
        description="Space to leave free on its disk; below: 503 journal-full. Outcomes must "
        "still be written when nothing more can be accepted.",
    )
    retention_seconds: float = Field(
        default=604_800,
        gt=0,
        description="How long answers and keys are kept after a final status, for stations that "
        "ask late. A key never expires while its enrollment is not final.",
    )
    key_file: Path | None = Field(
        default=None,
        examples=["/var/lib/enrollment-gateway/keys.json"],
        description="Keys that the journal's content is encrypted with. Default: the journal's "
        "file name with .keys.json, made on the first start. Without it the journal is lost: "
        "keep a copy elsewhere.",
    )
