"""Monitors and alerts: where they stand, true values, the page of a report, acknowledging."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import WorkshopDep
from api.pages import SAFE_PAGE
from api.predictions import MAX_ROWS, Cell
from tools.catalogue import invoke
from tools.drift import Acknowledged, AlertList, DriftCheck, LabelsLogged, MonitorState, MonitorStatus

router = APIRouter(prefix="/v1", tags=["monitors"])


class LabelsIn(BaseModel):
    """True values by row id, as predict gave them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: dict[str, Cell] = Field(min_length=1, max_length=MAX_ROWS, description="True value by row id.")


class AcknowledgeIn(BaseModel):
    """What is being done about an alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = Field("", max_length=1_000, description="What is being done about it.")
    silence_hours: float | None = Field(
        None, gt=0, le=24 * 30, description="Also keep the monitor's alerts below RED quiet for so long."
    )


@router.get("/monitors", response_model=MonitorStatus)
def list_monitors(workshop: WorkshopDep) -> object:
    """All monitors with their levels, newest windows and open alerts."""
    return invoke(workshop, "monitor_status", {})


@router.get("/monitors/{monitor}", response_model=MonitorState)
def show_monitor(monitor: str, workshop: WorkshopDep) -> object:
    """Where one monitor stands."""
    found = invoke(workshop, "monitor_status", {"monitor": monitor})
    assert isinstance(found, MonitorStatus)
    return found.monitors[0]


@router.post("/monitors/{monitor}/labels", response_model=LabelsLogged)
def log_labels(monitor: str, body: LabelsIn, workshop: WorkshopDep) -> object:
    """Tell true values of logged predictions; they may come late and in any order, and a new one replaces the old."""
    rows = [{"row_id": row_id, "label": label} for row_id, label in body.labels.items()]
    return invoke(workshop, "log_labels", {"monitor": monitor, "rows": rows, "label_column": "label"})


@router.post("/monitors/{monitor}/check", response_model=DriftCheck)
def check(monitor: str, workshop: WorkshopDep) -> object:
    """Check the complete windows now and raise the alerts that follow; answers when they are told."""
    return invoke(workshop, "check_drift", {"monitor": monitor})


@router.get("/monitors/{monitor}/report", response_class=HTMLResponse)
def report(monitor: str, workshop: WorkshopDep) -> HTMLResponse:
    """The page of what a monitor has seen."""
    invoke(workshop, "drift_report", {"monitor": monitor})
    page = workshop.monitoring.page(monitor).read_text(encoding="utf-8")
    return HTMLResponse(page, headers=SAFE_PAGE)


@router.get("/alerts", response_model=AlertList)
def list_alerts(
    workshop: WorkshopDep,
    monitor: str | None = None,
    open_only: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> object:
    """Alerts, newest first, with what was delivered to whom."""
    return invoke(workshop, "list_alerts", {"monitor": monitor, "open_only": open_only, "limit": limit})


@router.post("/alerts/{alert}/acknowledge", response_model=Acknowledged)
def acknowledge(alert: str, body: AcknowledgeIn, workshop: WorkshopDep) -> object:
    """Say that somebody looks after an alert."""
    return invoke(workshop, "acknowledge_alert", {"alert": alert, **body.model_dump()})
