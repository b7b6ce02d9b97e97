"""From the configuration to what each room takes: names and units, nothing else."""

import hashlib
import json
from typing import TYPE_CHECKING, Literal

from gateway.core.decide import DeliveryPolicy
from gateway.core.limiter import LimiterSettings
from gateway.core.retry import RetryPolicy
from gateway.core.routes import Mode, Route
from gateway.delivery.transport import UpstreamSettings
from gateway.intake.settings import IntakeSettings
from gateway.intake.stations import UsualLimits

if TYPE_CHECKING:
    from gateway.config import Settings


def delivery_policy(settings: "Settings") -> DeliveryPolicy:
    """What is known of the upstream, and how patient to be."""
    return DeliveryPolicy(
        honours_key=settings.upstream.honours_idempotency_key,
        can_look_up=settings.upstream.lookup_path is not None,
        settle_seconds=settings.upstream.settle_seconds,
        retry=RetryPolicy(
            base=settings.retry.base_seconds,
            cap=settings.retry.cap_seconds,
            max_age=settings.retry.max_age_seconds,
        ),
    )


def limiter_settings(settings: "Settings") -> LimiterSettings:
    """The window's bounds."""
    most = settings.upstream.max_window
    usual = LimiterSettings()
    return LimiterSettings(
        initial_window=min(usual.initial_window, most),
        min_window=min(usual.min_window, most),
        max_window=most,
    )


def upstream_settings(settings: "Settings") -> UpstreamSettings:
    """Where the upstream is, and how long an attempt may take."""
    if settings.upstream.url is None:
        raise ValueError("upstream.url is checked before anything is wired")
    return UpstreamSettings(
        url=settings.upstream.url,
        lookup_path=settings.upstream.lookup_path,
    )


def config_digest(settings: "Settings") -> str:
    """SHA-256 of the settings in hex. They name files of secrets, and hold none."""
    told = json.dumps(settings, default=lambda each: getattr(each, "__dict__", None) or str(each))
    return hashlib.sha256(told.encode()).hexdigest()


def log_format(settings: "Settings", *, terminal: bool) -> Literal["json", "console"]:
    """The format to write in; ``terminal``: a person reads along."""
    return settings.log.format or ("console" if terminal else "json")


def intake_settings(settings: "Settings", *, max_connections: int) -> IntakeSettings:
    """Limits, times and routes of the public listener; as many connections as there is room for."""
    intake = settings.intake
    return IntakeSettings(
        hold_seconds=intake.hold_seconds,
        max_body_bytes=intake.max_body_bytes,
        max_inflight_bytes=intake.max_inflight_bytes,
        max_connections=max_connections,
        header_timeout_seconds=intake.header_timeout_seconds,
        body_idle_timeout_seconds=intake.body_idle_timeout_seconds,
        require_idempotency_key=intake.require_idempotency_key,
        routes=tuple(
            Route(
                path=route.path,
                methods=frozenset(route.methods),
                mode=Mode(route.mode),
                hold_seconds=route.hold_seconds,
                priority=route.priority,
            )
            for route in settings.routes
        ),
    )


def usual_limits(settings: "Settings") -> UsualLimits:
    """How much one station may ask."""
    stations = settings.stations
    return UsualLimits(stations.max_inflight_requests, stations.max_requests_per_second)
