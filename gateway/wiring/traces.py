"""Tracing, where it is set up; else not even its packages are loaded."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.wiring.shared import VERSION, Shared, blaming


@contextmanager
def traced(shared: Shared) -> Iterator[None]:
    """Within, ``shared.tracing`` is what the settings ask for."""
    settings = shared.settings.tracing
    if settings.url is None:
        yield
        return
    with blaming("tracing.url", ModuleNotFoundError, ValueError):
        try:
            from gateway.observe.collector import over_http, traces  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as missing:
            raise ValueError(
                f"tracing needs packages that are not installed ({missing.name}): "
                "pip install 'enrollment-gateway[tracing]', or leave tracing.url out"
            ) from missing
        exporter = over_http(settings.url)
    with traces(
        exporter,
        sample_ratio=settings.sample_ratio,
        most_waiting=settings.max_waiting_spans,
        version=VERSION,
        count=shared.metrics.process.spans,
    ) as shared.tracing:
        yield
