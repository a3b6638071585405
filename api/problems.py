"""Errors as RFC 9457 problem documents: the one place where a code becomes a status."""

import logging
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from engine.errors import Fixable, MillwrightError
from engine.redaction import redacted

log = logging.getLogger("millwright.api")

STATUS = {
    "unauthorised": 401,
    "approval_needed": 403,
    "foreign_origin": 403,
    "home_busy": 409,
    "session_busy": 409,
    "run_busy": 409,
    "too_large": 413,
    "unsupported_format": 415,
    "export_failed": 422,
    "budget_spent": 429,
    "provider_failed": 502,
    "worker_lost": 503,
    "disk_full": 507,
}
"""By code. Others: '<thing>_not_found' is 404 (but a column is part of the request: 422), Fixable 422, the rest 500."""

MEDIA_TYPE = "application/problem+json"


def status_of(error: MillwrightError) -> int:
    """The HTTP status of an error."""
    if error.code in STATUS:
        return STATUS[error.code]
    if error.code.endswith("_not_found") and error.code not in {"column_not_found", "file_not_found"}:
        return 404
    return 422 if isinstance(error, Fixable) else 500


def problem(status: int, code: str, detail: str, hint: str = "", **more: object) -> JSONResponse:
    """A problem document; `code` is for programs, `detail` and `hint` for people."""
    said: dict[str, object] = redacted({"detail": detail, "hint": hint, **more})
    content = {
        "type": f"urn:millwright:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        **said,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def problem_of(error: MillwrightError) -> JSONResponse:
    """The problem document of one of our errors."""
    return problem(status_of(error), error.code, error.sentence, error.hint)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(MillwrightError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MillwrightError)
    if status_of(error) >= 500:
        log.error("%s", error, exc_info=error)
    return problem_of(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(each["loc"]), "problem": each["msg"]} for each in error.errors()]
    first = errors[0]
    detail = f"{first['field']}: {first['problem']}." if first["field"] else f"{first['problem']}."
    return problem(422, "bad_arguments", detail, "See 'errors' for each field.", errors=errors)


def _field(location: Sequence[object]) -> str:
    """Where the value stands, without the first part ('body', 'query', 'path') that says how it came."""
    return ".".join(str(part) for part in location[1:])


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
    return problem(error.status_code, code, f"{error.detail}.")


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    # what went wrong inside is for the log; its text may hold things that are not for the caller
    log.error("a request failed unexpectedly", exc_info=error)
    return problem(500, "internal_error", "The server failed unexpectedly.", "The log has the details.")
