"""Models: list, show, predict, compare with new rows."""

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import WorkshopDep
from api.pages import SAFE_PAGE, onnx_file, optimisation_page
from api.predictions import PredictIn, PredictOut, predict_rows
from tools.catalogue import invoke
from tools.drift import DriftCheck
from tools.models import ModelDetails, ModelList
from tools.optimise import OptimisedModel

router = APIRouter(prefix="/v1/models", tags=["models"])


class DriftIn(BaseModel):
    """The rows to compare with those that a model was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="Dataset id or name with the current rows.")


@router.get("", response_model=ModelList)
def list_models(workshop: WorkshopDep) -> object:
    """All registered models, newest first."""
    return invoke(workshop, "list_models", {})


@router.get("/{model}", response_model=ModelDetails)
def show_model(model: str, workshop: WorkshopDep) -> object:
    """Everything recorded about one model."""
    return invoke(workshop, "show_model", {"model": model})


@router.post("/{model}/predict")
def predict(model: str, body: PredictIn, workshop: WorkshopDep) -> PredictOut:
    """Predict the rows of the body; they are logged where a monitor watches the model."""
    return predict_rows(workshop, model, body.rows, body.ids)


@router.post("/{model}/drift", response_model=DriftCheck)
def check_drift(model: str, body: DriftIn, workshop: WorkshopDep) -> object:
    """Compare a dataset with the model's training rows, once."""
    return invoke(workshop, "check_drift", {"model": model, "data": body.dataset})


@router.get("/{model}/optimisation", response_model=OptimisedModel)
def optimisation(model: str, workshop: WorkshopDep) -> object:
    """Every variant that was tried of a model, and the choice."""
    return invoke(workshop, "show_optimisation", {"model": model})


@router.get("/{model}/optimisation/report", response_class=HTMLResponse)
def optimisation_report(model: str, workshop: WorkshopDep) -> HTMLResponse:
    """The same as a page."""
    return HTMLResponse(optimisation_page(workshop, model), headers=SAFE_PAGE)


@router.get("/{model}/onnx", response_class=FileResponse)
def onnx(model: str, workshop: WorkshopDep) -> FileResponse:
    """The ONNX file of an optimised model; of another one, made and checked now."""
    path = onnx_file(workshop, model)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
