"""Datasets: list, upload, profile."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.dependencies import MaxUploadDep, WorkshopDep
from api.uploads import received
from tools.catalogue import invoke
from tools.data import DatasetList, DatasetProfile, DatasetSummary

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


class UploadQuery(BaseModel):
    """How to import the body: the file's name tells its format; the rest as in the tool import_dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename: str = Field(description="Plain file name with its ending, e.g. 'customers.csv'.")
    target: str | None = Field(None, description="Column to predict.")
    name: str | None = Field(None, description="Name for the dataset.")
    split: str = Field("auto", description="auto, random, stratified, time or group.")
    split_column: str | None = Field(None, description="Column to order or to group by.")
    test_fraction: float = Field(0.2, description="Share of rows sealed as the test set.")
    seed: int = Field(0, description="Seed of the split.")
    delimiter: str | None = Field(None, description="CSV delimiter.")
    encoding: str | None = Field(None, description="Text encoding.")
    sheet: str | None = Field(None, description="Excel sheet.")


@router.get("", response_model=DatasetList)
def list_datasets(workshop: WorkshopDep) -> object:
    """All datasets, newest first."""
    return invoke(workshop, "list_datasets", {})


@router.post("", status_code=201, response_model=DatasetSummary)
async def upload_dataset(
    request: Request, query: Annotated[UploadQuery, Query()], workshop: WorkshopDep, limit: MaxUploadDep
) -> object:
    """Import the file that is the body of the request."""
    async with received(request, workshop.home, query.filename, limit) as path:
        arguments = query.model_dump(exclude={"filename"}) | {"source": str(path)}
        return await run_in_threadpool(invoke, workshop, "import_dataset", arguments)


@router.get("/{dataset}/profile", response_model=DatasetProfile)
def profile_dataset(dataset: str, workshop: WorkshopDep, target: str | None = None) -> object:
    """What is in the training rows of a dataset."""
    return invoke(workshop, "profile_dataset", {"dataset": dataset, "target": target})
