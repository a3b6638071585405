"""The development crew in CrewAI's usual layout: agents.yaml and tasks.yaml beside this class."""

# CrewAI is heavy to analyse and is skipped, so its classes and decorators have no types here
# mypy: disable-error-code="misc,untyped-decorator"

from collections.abc import Mapping, Sequence
from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task
from crewai.tools import BaseTool

from crews.llm import MillwrightLLM

ANALYST_TOOLS = ("list_datasets", "profile_dataset", "estimate_training")
ENGINEER_TOOLS = ("list_datasets", "estimate_training", "train_model", "explain_model", "show_model")


@CrewBase
class DevelopmentCrew:
    """Two agents, two tasks, one after the other. `tools` by name; only those that read and compute are handed out."""

    agents_config: Any = "agents.yaml"
    tasks_config: Any = "tasks.yaml"
    agents: list[Any]
    tasks: list[Any]

    def __init__(self, llm: MillwrightLLM, tools: Mapping[str, BaseTool]) -> None:
        self.llm = llm
        self.tools = tools

    @agent
    def data_scientist(self) -> Agent:
        return self._agent("data_scientist", ANALYST_TOOLS)

    @agent
    def ml_engineer(self) -> Agent:
        return self._agent("ml_engineer", ENGINEER_TOOLS)

    @task
    def analyse(self) -> Task:
        return Task(config=self.tasks_config["analyse"])

    @task
    def train(self) -> Task:
        return Task(config=self.tasks_config["train"])

    @crew
    def crew(self) -> Crew:
        return Crew(
            agents=self.agents,
            tasks=self.tasks,
            process=Process.sequential,
            # a tool's answer depends on the home, not only on its arguments
            cache=False,
            memory=False,
            verbose=False,
        )

    def _agent(self, name: str, tools: Sequence[str]) -> Agent:
        return Agent(
            config=self.agents_config[name],
            llm=self.llm,
            tools=[self.tools[tool] for tool in tools],
            # CrewAI's own repeats multiply with the model's: one place retries, and it is not here
            max_retry_limit=0,
            max_iter=12,
            allow_delegation=False,
            cache=False,
            verbose=False,
        )
