"""What runs, and how it fares: of the process itself, of no room."""

from typing import Literal, TypeAlias, get_args

from gateway.clock import Clock
from gateway.observe.series.making import SHORT, Maker, series

SpanOutcome: TypeAlias = Literal["exported", "dropped"]


class ProcessSeries:
    """Told by whoever measures."""

    def __init__(self, make: Maker, *, version: str, config_sha256: str, clock: Clock) -> None:
        self._clock = clock
        self._lag = make.histogram(
            "event_loop_lag_seconds", "How much later than asked the event loop woke up.", SHORT
        ).labels()
        self._time = make.gauge(
            "clock_timestamp_seconds", "The wall clock of the gateway's machine: Unix seconds."
        )
        self._certificates = make.gauge(
            "certificate_expiry_timestamp_seconds",
            "When the first certificate of a file in use expires: Unix seconds.",
            "file",
        )
        self._spans = series(
            make.shared_counter(
                "trace_spans_total",
                "Spans that a collector took, or that were dropped because it did not.",
                "outcome",
            ),
            outcome=get_args(SpanOutcome),
        )
        make.gauge("build_info", "1, with what runs.", "version").labels(version).set(1)
        make.gauge(
            "config_info", "1, with the settings in force, secrets left out, as a digest.", "sha256"
        ).labels(config_sha256[:12]).set(1)

    def event_loop_lag(self, seconds: float) -> None:
        """Count one sample of the event loop's lag."""
        self._lag.observe(seconds)

    def spans(self, outcome: SpanOutcome, number: int) -> None:
        """Count what became of so many spans. Called by any thread."""
        self._spans[outcome,].inc(number)

    def certificate(self, file: str, expires_at: float) -> None:
        """Tell when a certificate in use expires. ``file``: the setting that names its file."""
        self._certificates.labels(file).set(expires_at)

    def tick(self) -> None:
        """Set the time, which is read at the moment of a scrape."""
        self._time.set(self._clock.now())
