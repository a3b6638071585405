"""The tools for other frameworks: the same call, described by the same request.

Two kinds of failure, told apart by type: a Fixable error is text for the model, which can mend its arguments;
anything else stops the run and is shown to the user.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.errors import Fixable
from engine.progress import Watch, silent
from tools.arguments import bad_arguments
from tools.catalogue import invoke

if TYPE_CHECKING:
    from crewai.tools import BaseTool as CrewTool
    from langchain_core.tools import BaseTool

    from tools.spec import ToolSpec
    from tools.workshop import Workshop

CallId = Callable[[], str | None]


def _new_call() -> str | None:
    return None


def as_langchain_tool(
    workshop: "Workshop", spec: "ToolSpec", *, call_id: CallId = _new_call, watch: Watch = silent
) -> "BaseTool":
    """A LangChain tool. Its answer is the result as JSON; a Fixable error is an answer with status 'error'.

    Args:
        call_id: names the call that is being made, so that a repeat of it finds its job; a new one each time if None.
    """
    from langchain_core.tools import StructuredTool, ToolException

    def call(**arguments: Any) -> str:  # noqa: ANN401  whatever the request takes
        try:
            return invoke(workshop, spec.name, arguments, call_id=call_id(), watch=watch).model_dump_json()
        except Fixable as error:
            raise ToolException(str(error)) from error

    def explain(error: Any) -> str:  # noqa: ANN401  LangChain knows two generations of pydantic
        return str(bad_arguments(spec.name, spec.request, error)) if isinstance(error, ValidationError) else str(error)

    return StructuredTool.from_function(
        call,
        name=spec.name,
        description=spec.description,
        args_schema=spec.request,
        handle_tool_error=True,
        handle_validation_error=explain,
    )


def as_crewai_tool(
    workshop: "Workshop", spec: "ToolSpec", *, call_id: CallId = _new_call, watch: Watch = silent
) -> "CrewTool":
    """A CrewAI tool. Its answer is the result as JSON, or a Fixable error's text: CrewAI knows no other channel."""
    from crewai.tools import BaseTool

    class WorkshopTool(BaseTool):  # type: ignore[misc]  # CrewAI is not read by the type checker
        def _run(self, **arguments: Any) -> str:  # noqa: ANN401  whatever the request takes
            try:
                return invoke(workshop, spec.name, arguments, call_id=call_id(), watch=watch).model_dump_json()
            except Fixable as error:
                return f"Error: {error}"

    return WorkshopTool(name=spec.name, description=spec.description, args_schema=spec.request)
