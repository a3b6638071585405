"""The development crew in CrewAI's usual layout: agents.yaml and tasks.yaml beside this class."""

# CrewAI is heavy to analyse and is skipped, so its classes and decorators have no types here
# mypy: disable-error-code="misc,untyped-decorator"

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task
from crewai.tasks.task_output import TaskOutput
from crewai.tools import BaseTool

from crews.course import MOST_CALLS
from crews.llm import MillwrightLLM

Check = Callable[[str, TaskOutput], tuple[bool, str]]
"""By task and output: whether it is done, and the words to keep or the reason why not."""


@CrewBase
class DevelopmentCrew:
    """Four agents, four tasks. `tools` are those of each role; `check` looks at what a task came to; `done` are the
    words of tasks that an earlier process finished: they are not done again."""

    agents_config: Any = "agents.yaml"
    tasks_config: Any = "tasks.yaml"
    agents: list[Any]
    tasks: list[Any]

    def __init__(
        self,
        llm: MillwrightLLM,
        tools: Mapping[str, Sequence[BaseTool]],
        check: Check,
        process: str = "sequential",
        done: Mapping[str, str] | None = None,
    ) -> None:
        self.llm = llm
        self.tools = tools
        self.check = check
        self.process = Process(process)
        self.done = done or {}

    @agent
    def data_scientist(self) -> Agent:
        return self._agent("data_scientist")

    @agent
    def ml_engineer(self) -> Agent:
        return self._agent("ml_engineer")

    @agent
    def qa_engineer(self) -> Agent:
        return self._agent("qa_engineer")

    @agent
    def mlops_engineer(self) -> Agent:
        return self._agent("mlops_engineer")

    @task
    def analyse(self) -> Task:
        return self._task("analyse")

    @task
    def implement(self) -> Task:
        return self._task("implement")

    @task
    def test(self) -> Task:
        return self._task("test")

    @task
    def deploy(self) -> Task:
        return self._task("deploy")

    @crew
    def crew(self) -> Crew:
        managed = {"manager_agent": self._agent("manager")} if self.process is Process.hierarchical else {}
        return Crew(
            agents=self.agents,
            tasks=[each for each in self.tasks if each.name not in self.done],
            process=self.process,
            # a tool's answer depends on the home, not only on its arguments
            cache=False,
            memory=False,
            verbose=False,
            **managed,
        )

    def _agent(self, name: str) -> Agent:
        return Agent(
            config=self.agents_config[name],
            llm=self.llm,
            tools=list(self.tools.get(name, ())),
            # CrewAI's own repeats multiply with the model's: one place retries, and it is not here
            max_retry_limit=0,
            # ours comes first, with an error that says what to do; CrewAI's would ask for an answer without tools
            max_iter=MOST_CALLS + 1,
            allow_delegation=False,
            cache=False,
            verbose=False,
        )

    def _task(self, name: str) -> Task:
        made = Task(
            name=name,
            config=self.tasks_config[name],
            guardrail=lambda output: self.check(name, output),
            guardrail_max_retries=1,
        )
        if name in self.done:
            made.output = TaskOutput(description="", raw=self.done[name], agent=made.agent.role)
        return made
