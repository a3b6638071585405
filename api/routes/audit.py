"""The audit: who said yes or no to what, and what was done to others."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.dependencies import WorkshopDep
from tools.audit import Entry, Verdict, audit_of, chosen, unfinished

router = APIRouter(prefix="/v1/audit", tags=["audit"])


class AuditOut(BaseModel):
    """Entries, oldest first; `unfinished` are the ids of effects that were begun and whose end is not on record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...]
    unfinished: tuple[str, ...]


@router.get("")
def entries(
    workshop: WorkshopDep,
    tail: Annotated[int, Query(ge=1, le=10_000)] = 100,
    tool: str | None = None,
    since: datetime | None = None,
) -> AuditOut:
    """The last approvals and effects of this home."""
    known = list(audit_of(workshop).entries())
    return AuditOut(entries=tuple(chosen(known, tail, tool, since)), unfinished=unfinished(known))


@router.get("/verify")
def verify(workshop: WorkshopDep) -> Verdict:
    """Whether the audit is as it was written, and the first line that is not."""
    return audit_of(workshop).verify()
