"""What a crew's tools really did. A figure in a crew's report can be traced to a line here."""

# CrewAI is heavy to analyse and is skipped, so its classes have no types here
# mypy: disable-error-code="misc"

from dataclasses import dataclass, field
from threading import Lock

from crewai.tools import BaseTool
from pydantic import BaseModel, ConfigDict, PrivateAttr


class ToolRecord(BaseModel):
    """One call: `result` is the text the tool gave back, a JSON document or the sentence of a mendable error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: dict[str, object]
    result: str


@dataclass
class Ledger:
    """The calls of one crew in order, and the first error that has to stop it."""

    calls: list[ToolRecord] = field(default_factory=list)
    fatal: Exception | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, record: ToolRecord) -> None:
        with self._lock:
            self.calls.append(record)

    def stop(self, error: Exception) -> None:
        with self._lock:
            self.fatal = self.fatal or error

    def check(self) -> None:
        """Raise the error that has to stop the crew, if there is one.

        CrewAI turns every exception of a tool into text for the model; asked before each model call,
        this keeps the rule that only mendable errors go back to it.
        """
        if self.fatal:
            raise self.fatal


class RecordedTool(BaseTool):
    """`inner` under the same name and schema, with each call written to the ledger."""

    inner: BaseTool
    _ledger: Ledger = PrivateAttr()

    def _run(self, **arguments: object) -> str:
        try:
            result = str(self.inner.run(**arguments))
        except Exception as error:  # the border to the framework, which would feed it to the model
            self._ledger.stop(error)
            raise
        self._ledger.add(ToolRecord(tool=self.name, arguments=dict(arguments), result=result))
        return result


def recorded(tool: BaseTool, ledger: Ledger) -> RecordedTool:
    """`tool`, writing to `ledger`."""
    wrapped = RecordedTool(name=tool.name, description=tool.description, args_schema=tool.args_schema, inner=tool)
    wrapped._ledger = ledger
    return wrapped
