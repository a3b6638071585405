"""Whether the process lives, and whether it can work."""

from fastapi import APIRouter, Response

from api.dependencies import WorkshopDep
from api.readiness import Readiness, readiness

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/ready", responses={503: {"model": Readiness}})
def ready(workshop: WorkshopDep, response: Response) -> Readiness:
    """Each part was tried just now; 503 when one is not ready."""
    found = readiness(workshop)
    response.status_code = 200 if found.ready else 503
    return found
