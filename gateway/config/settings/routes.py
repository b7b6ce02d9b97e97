"""How the requests of some paths are treated."""

from typing import Literal, TypeAlias

from pydantic import Field

from gateway.config.settings.section import Section
from gateway.config.values import RoutePath

Method: TypeAlias = Literal["POST", "PUT", "PATCH", "DELETE"]


class RouteSettings(Section):
    """How to treat the requests of some paths. The first route that fits is taken."""

    path: RoutePath = Field(
        examples=["/login"],
        description="Glob over the path without its query; * fits any characters, / among them.",
    )
    methods: tuple[Method, ...] = Field(
        default=("POST", "PUT", "PATCH", "DELETE"),
        min_length=1,
        description="Methods it is for. Reads are always relayed and need no route.",
    )
    mode: Literal["journal", "relay"] = Field(
        default="journal",
        description="relay: for what must be neither kept nor repeated, a login or a search.",
    )
    hold_seconds: float | None = Field(
        default=None,
        ge=0,
        le=300,
        examples=[2],
        description="Instead of intake.hold_seconds.",
    )
    priority: int | None = Field(
        default=None,
        ge=0,
        le=7,
        examples=[5],
        description="0 (most urgent) to 7, for requests without a Priority header.",
    )
