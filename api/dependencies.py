"""What routes are given: the workshop and the sessions that the server was started with."""

from typing import Annotated

from fastapi import Depends, Request

from graphs.sessions import Sessions
from tools.workshop import Workshop


def _workshop(request: Request) -> Workshop:
    workshop: Workshop = request.app.state.workshop
    return workshop


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _max_upload_bytes(request: Request) -> int:
    limit: int = request.app.state.max_upload_bytes
    return limit


WorkshopDep = Annotated[Workshop, Depends(_workshop)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
MaxUploadDep = Annotated[int, Depends(_max_upload_bytes)]
