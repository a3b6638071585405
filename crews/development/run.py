"""Run the development crew over a workshop and say what it did."""

from crewai.crews.crew_output import CrewOutput
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field

from crews.development.crew import ANALYST_TOOLS, ENGINEER_TOOLS, DevelopmentCrew
from crews.ledger import Ledger, ToolRecord, recorded
from crews.llm import crew_model
from tools.adapters import as_crewai_tool
from tools.workshop import Workshop


class DevelopmentRequest(BaseModel):
    """What the crew is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="Dataset id or name.")
    target: str = Field(description="Column to predict.")
    goal: str = Field(description="What the user wants, in words.")
    budget_seconds: float = Field(60.0, gt=0, description="Wall-clock budget of the training.")


class TaskReport(BaseModel):
    """What one agent answered to its task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    agent: str
    text: str


class CrewReport(BaseModel):
    """The agents' words, and beside them every tool call with its result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[TaskReport, ...]
    calls: tuple[ToolRecord, ...]


def develop(workshop: Workshop, chat: BaseChatModel, request: DevelopmentRequest) -> CrewReport:
    """Let the crew analyse the dataset and train on it.

    Raises:
        MillwrightError: the model or a tool failed; what the tools finished before is kept in the home.
    """
    ledger = Ledger()
    names = dict.fromkeys((*ANALYST_TOOLS, *ENGINEER_TOOLS))
    tools = {name: recorded(as_crewai_tool(workshop, workshop.tools[name]), ledger) for name in names}
    team = DevelopmentCrew(crew_model(chat, ledger), tools)
    output = team.crew().kickoff(inputs=request.model_dump())
    ledger.check()
    return CrewReport(tasks=_tasks(output), calls=tuple(ledger.calls))


def _tasks(output: CrewOutput) -> tuple[TaskReport, ...]:
    return tuple(
        TaskReport(task=each.name or "", agent=each.agent.strip(), text=each.raw) for each in output.tasks_output
    )
