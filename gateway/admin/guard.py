"""What stands before every admin handler: the token, and one form for every error.

Must not know what the handlers do.
"""

from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.admin.acts import NotAllowed, UnknownEnrollment
from gateway.admin.asking import Unreadable
from gateway.admin.token import Bearer
from gateway.core import problems
from gateway.core.problems import ProblemType
from gateway.journal.contract import JournalFault

API: Final = "/admin/"
_RETRY_AFTER_SECONDS: Final = "5"
_TYPES: Final = {404: ProblemType.NOT_FOUND, 413: ProblemType.BODY_TOO_LARGE}
_TEXTS: Final = {
    404: "There is no such path. Look at /admin/v1/status, /healthz, /readyz or /metrics.",
    405: "This path does not take that method; see Allow.",
    413: "An admin request is small: send less.",
}

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway.admin")


def token_required(bearer: Bearer) -> Middleware:
    """Lets only those with the token reach the API, its unknown paths included."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(hdrs.AUTHORIZATION)
        if not request.path.startswith(API) or bearer.admits(given):
            return await handler(request)
        # RFC 6750, section 3: an error code only where a credential was tried.
        error = "" if given is None else ', error="invalid_token"'
        return problem(
            ProblemType.UNAUTHORIZED,
            "Send `Authorization: Bearer` with the token in the gateway's admin.token_file.",
            headers={hdrs.WWW_AUTHENTICATE: f'Bearer realm="enrollment-gateway admin"{error}'},
        )

    return check


@web.middleware
async def errors_as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every failure as ``application/problem+json``."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _refused(error)
    except Exception as error:  # noqa: BLE001 - an operator gets an answer, the log the cause
        return _failed(error)


def _refused(error: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses: unknown path, wrong method, too large."""
    return problem(
        _TYPES.get(error.status, ProblemType.BAD_REQUEST),
        _TEXTS.get(error.status, "The request cannot be understood."),
        status=error.status,
        headers={hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else None,
    )


def _failed(error: Exception) -> web.Response:
    match error:
        case Unreadable():
            answer = problem(ProblemType.BAD_REQUEST, f"Nothing was done: {error}.")
        case UnknownEnrollment():
            answer = problem(
                ProblemType.NOT_FOUND,
                "No enrollment has this id, or its retention ended. "
                "List them: /admin/v1/enrollments.",
            )
        case NotAllowed():
            answer = problem(ProblemType.CONFLICT, str(error))
        case JournalFault():
            _log.error("admin_journal_unavailable", exc_info=error)
            answer = problem(
                ProblemType.JOURNAL_UNAVAILABLE,
                "The journal does not answer; see /readyz and the log for its reason.",
                headers={hdrs.RETRY_AFTER: _RETRY_AFTER_SECONDS},
            )
        case _:
            _log.error("admin_request_failed", exc_info=error)
            answer = problem(
                ProblemType.INTERNAL_ERROR,
                "The gateway made a mistake; the log has its cause. Look at the status before "
                "you try again.",
            )
    return answer


def problem(
    kind: ProblemType,
    detail: str,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """An answer as in RFC 9457. ``status``: where it is not the kind's usual one."""
    members = problems.document(kind, detail=detail)
    members["status"] = status or problems.status_of(kind)
    return web.Response(
        body=problems.encode(members),
        status=status or problems.status_of(kind),
        headers={hdrs.CONTENT_TYPE: problems.CONTENT_TYPE, **(headers or {})},
    )
