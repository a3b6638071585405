"""Opening the workshop and calling its tools from a command."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from engine.progress import Watch, silent

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from tools.spec import ToolResult
    from tools.workshop import Workshop

Result = TypeVar("Result", bound="ToolResult")


@contextmanager
def opened() -> "Iterator[Workshop]":
    """The workshop of the current settings."""
    from millwright.compose import open_workshop

    with open_workshop() as workshop:
        yield workshop


def call(
    workshop: "Workshop", tool: str, result: type[Result], watch: Watch = silent, /, **arguments: object
) -> Result:
    """Call a tool by name; `result` is the type that it is known to return."""
    from tools.catalogue import invoke

    answer = invoke(workshop, tool, arguments, watch=watch)
    assert isinstance(answer, result)
    return answer


def call_job(
    workshop: "Workshop", tool: str, result: type[Result], budget: float | None, /, **arguments: object
) -> Result:
    """Call a tool that runs as a job: progress is shown, and Ctrl-C stops the job instead of abandoning it."""
    from millwright.cli.interrupt import cancel_job, stop_on_interrupt
    from millwright.cli.live import Course, open_view
    from tools.catalogue import invoke
    from tools.jobs import job_id

    if tool not in workshop.tools or not workshop.tools[tool].job:
        return call(workshop, tool, result, **arguments)
    call_id = f"cli-{uuid.uuid4().hex}"
    cancel = partial(cancel_job, workshop.jobs, job_id(call_id))
    with open_view(Course(budget)) as view, stop_on_interrupt(cancel, view.say):
        answer = invoke(workshop, tool, arguments, call_id=call_id, watch=view.progress)
    assert isinstance(answer, result)
    return answer


def dataset_of(workshop: "Workshop", data: str, **options: object) -> str:
    """The id of the dataset that `data` names: one imported before (by id or name), or else a source to import now.

    Raises:
        NotFound: it looks like an id, and there is no such dataset.
        DataError: neither a dataset nor a source that can be read.
    """
    from tools.data import DatasetSummary
    from tools.sources import known_dataset

    known = known_dataset(workshop, data)
    return known or call(workshop, "import_dataset", DatasetSummary, source=data, **options).dataset


@contextmanager
def opened_mind(workshop: "Workshop") -> "Iterator[tuple[BaseChatModel, BaseCheckpointSaver[Any]]]":
    """The chat model of the settings, charged to the owner of the home, and where graphs keep their state."""
    from graphs.checkpoints import open_saver
    from millwright.budgets import metered_mind, owners_purse
    from millwright.settings import Settings

    settings = Settings()
    with (
        open_saver(settings.database_url or workshop.home) as saver,
        metered_mind(settings, owners_purse(settings, workshop.home)) as model,
    ):
        yield model, saver
