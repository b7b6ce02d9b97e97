"""Every setting: its unit in its name, its range, its default and the reason, at the field.

Must not know where a value comes from (that is ``loading``) nor how two of them fit together
(that is ``rules``).
"""

from typing import Annotated

from pydantic import Field

from gateway.config.settings.journal import Journal
from gateway.config.settings.operations import Admin, Log, Tracing
from gateway.config.settings.routes import RouteSettings
from gateway.config.settings.section import Section
from gateway.config.settings.stations import Intake, Receipts, Stations
from gateway.config.settings.upstream import Retry, Upstream
from gateway.config.values import Rows

__all__ = ["RouteSettings", "Section", "Settings"]


class Settings(Section):
    """All of it. The defaults are enough for ``serve --upstream URL`` on a laptop."""

    intake: Intake = Intake()
    upstream: Upstream = Upstream()
    routes: Annotated[tuple[RouteSettings, ...], Rows] = Field(
        default=(),
        description="How to treat some paths; first match wins. Without a route every "
        "state-changing request is kept in the journal.",
    )
    retry: Retry = Retry()
    journal: Journal = Journal()
    receipts: Receipts = Receipts()
    stations: Stations = Stations()
    admin: Admin = Admin()
    log: Log = Log()
    tracing: Tracing = Tracing()
