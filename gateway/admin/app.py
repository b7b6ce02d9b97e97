"""The admin listener's application: health, metrics and the admin API.

Must not know which journal or dispatcher it speaks for, or where it listens.
"""

from typing import Final

from aiohttp import hdrs, web

from gateway.admin.acts import Acts
from gateway.admin.api import Api
from gateway.admin.guard import errors_as_problems, token_required
from gateway.admin.health import Health, Ready
from gateway.admin.ports import Control
from gateway.admin.token import Bearer
from gateway.clock import Clock
from gateway.core.facts import Publish
from gateway.journal.contract import Journal
from gateway.observe.metrics import Metrics

LARGEST_BODY: Final = 65_536


def build_admin_app(
    *,
    journal: Journal,
    control: Control,
    metrics: Metrics,
    bearer: Bearer,
    clock: Clock,
    ready: Ready,
    publish: Publish,
    version: str,
) -> web.Application:
    """Put the admin listener together.

    Args:
        journal: open.
        control: the dispatcher's side for operators.
        metrics: what ``/metrics`` shows.
        bearer: knows the token that ``/admin/`` asks for, as from ``token.load_or_create``.
        clock: the time.
        ready: whether the gateway can promise anything, and why not.
        publish: where facts about operators' acts go.
        version: of the gateway.
    """
    acts = Acts(journal, control, publish, clock)
    api = Api(
        journal=journal, control=control, acts=acts, clock=clock, ready=ready, version=version
    )
    health = Health(journal=journal, control=control, metrics=metrics, clock=clock, ready=ready)
    app = web.Application(
        middlewares=[errors_as_problems, token_required(bearer)],
        client_max_size=LARGEST_BODY,
    )
    app.add_routes([*health.routes(), *api.routes()])
    app.on_response_prepare.append(_never_cached)
    return app


async def _never_cached(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
