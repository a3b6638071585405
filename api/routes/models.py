"""Models: list, show, predict."""

from fastapi import APIRouter

from api.dependencies import WorkshopDep
from api.predictions import PredictIn, PredictOut, predict_rows
from tools.catalogue import invoke
from tools.models import ModelDetails, ModelList

router = APIRouter(prefix="/v1/models", tags=["models"])


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
    """Predict the rows of the body."""
    return predict_rows(workshop, model, body.rows)
