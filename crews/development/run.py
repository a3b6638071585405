"""Run the development crew over a workshop and write what it hands over. Importing this loads CrewAI."""

import time
from collections.abc import Mapping
from pathlib import Path

from crewai.tasks.task_output import TaskOutput
from crewai.tools.tool_failure import ToolExecutionFailedError
from langchain_core.language_models import BaseChatModel

from crews.bench import Bench, Post
from crews.brief import Brief, CrewReport, Review, TaskOutcome
from crews.course import Course, Minds
from crews.development.crew import DevelopmentCrew
from crews.development.deliverables import PAGES, deliverable, report
from crews.development.rules import RULES, model_of, result_in
from crews.events import Tell, artifact, unheard
from crews.ledger import Ledger
from crews.llm import crew_model
from crews.manager import manage
from crews.rule import RuleModel
from crews.toolbox import in_hands_of
from crews.words import facts_of, struck
from engine.errors import JobFailed
from engine.files import write_atomic, write_json
from tools.deploying import DeploymentPlan
from tools.home import read_json_if_there
from tools.testing import ModelTest
from tools.workshop import Workshop

ROLES = {
    "analyse": ("data_scientist", "Data Scientist"),
    "implement": ("ml_engineer", "ML Engineer"),
    "test": ("qa_engineer", "QA Engineer"),
    "deploy": ("mlops_engineer", "MLOps Engineer"),
}
"""By task: the agent in agents.yaml, and its role."""
TOOLS = {
    "analyse": ("list_datasets", "profile_dataset", "estimate_training"),
    "implement": ("list_datasets", "estimate_training", "train_model", "explain_model", "show_model"),
    "test": ("list_models", "show_model", "test_model"),
    "deploy": ("list_models", "show_model", "plan_deployment"),
}
GO_ON = "Go on with the crew run, perhaps with another language model; what is finished is kept."
NEEDS = {
    "analyse": ("profile_dataset", "estimate_training"),
    "implement": ("train_model", "explain_model"),
    "test": ("test_model",),
    "deploy": ("plan_deployment",),
}
"""The tools that a task is not done without."""


def develop(
    workshop: Workshop, chat: BaseChatModel | None, brief: Brief, folder: Path, tell: Tell = unheard
) -> CrewReport:
    """Let the crew work, or go on with what an earlier process began in `folder`.

    Args:
        chat: leads every agent; None has each follow its rule.

    Raises:
        MillwrightError: the model or a tool failed, or there is no model at the end; what is finished is kept.
    """
    start = time.monotonic()
    ledger = Ledger(folder / "ledger.jsonl")
    posts = {role: task for task, (_, role) in ROLES.items()}
    course = Course(ledger, posts, NEEDS, tell)
    bench = Bench(workshop, ledger, brief.run, brief.budget_seconds, tell)
    desk = _Desk(brief, folder, course)
    team = DevelopmentCrew(
        crew_model(_minds(chat, brief, course), course), _handed_out(bench), desk.check, brief.process, desk.done
    )
    _kickoff(team, brief, course, desk)
    return desk.close(time.monotonic() - start)


def _kickoff(team: DevelopmentCrew, brief: Brief, course: Course, desk: "_Desk") -> None:
    crew, inputs = team.crew(), _inputs(brief)
    if not crew.tasks:
        return
    if crew.manager_agent is not None:
        # CrewAI fills in the agents of the crew, and the manager is none of them
        crew.manager_agent.interpolate_inputs(inputs)
    try:
        crew.kickoff(inputs=inputs)
    except ToolExecutionFailedError as error:
        # the same call over and over: CrewAI notices it before our own limit is reached
        course.ledger.check()
        raise JobFailed(f"The crew came to no end. {error}", GO_ON, "crew_stuck") from error
    except Exception as error:  # the border to CrewAI, whose errors have many types
        course.ledger.check()
        raise JobFailed(f"CrewAI stopped: {type(error).__name__}: {error}.", GO_ON) from error
    course.ledger.check()


def _handed_out(bench: Bench) -> dict[str, list[object]]:
    return {
        agent: [in_hands_of(Post(role, task), bench, tool) for tool in TOOLS[task]]
        for task, (agent, role) in ROLES.items()
    }


def _minds(chat: BaseChatModel | None, brief: Brief, course: Course) -> Minds:
    if chat is not None:
        return lambda role, task: chat

    def mind(role: str, task: str) -> BaseChatModel:
        coworker = ROLES[task][1]
        if role == coworker:
            return RuleModel(decide=lambda messages: RULES[task](brief, course.ledger))
        return RuleModel(decide=lambda messages: manage(messages, coworker))

    return mind


def _inputs(brief: Brief) -> dict[str, str]:
    seconds, demands = brief.budget_seconds, brief.demands.given
    return {
        "dataset": brief.dataset,
        "target": brief.target,
        "goal": brief.goal or f"a good model of {brief.target}",
        "limit": f"{seconds:g} seconds" if seconds is not None else f"{brief.max_models} candidates",
        "demands": "; ".join(f"{name}={value}" for name, value in demands.items()) or "none",
    }


class _Desk:
    """Where finished tasks are put down: their words checked, their pages written."""

    def __init__(self, brief: Brief, folder: Path, course: Course) -> None:
        self._brief, self._folder, self._course = brief, folder, course
        kept = {task: read_json_if_there(self._note(task)) for task in ROLES}
        self._kept: dict[str, dict[str, object]] = {task: found for task, found in kept.items() if found is not None}
        self._sent_back: set[str] = set()

    @property
    def done(self) -> dict[str, str]:
        """The words of the tasks that are finished."""
        return {task: str(kept["output"]) for task, kept in self._kept.items()}

    def check(self, task: str, output: TaskOutput) -> tuple[bool, str]:
        """Whether the task is done. Without a manager the crew itself sends it back once, for a tool not called."""
        missing = self._course.missing(task)
        alone = self._brief.process == "sequential"
        if alone and missing and task not in self._sent_back and self._course.ledger.fatal is None:
            self._sent_back.add(task)
            reason = f"The task is not done. {' '.join(missing)}"
            self._course.decided(Review(task=task, verdict="sent back", why=reason))
            return False, reason
        words, unfounded = struck(output.raw, facts_of(self._course.ledger.calls, self._given()))
        kept: dict[str, object] = {"output": words, "struck": list(unfounded), "missing": list(missing)}
        kept["reviews"] = [one.model_dump() for one in self._course.reviews if one.task == task]
        write_json(self._note(task), kept)
        self._kept[task] = kept
        self._write_page(task)
        return True, words

    def close(self, seconds: float) -> CrewReport:
        """Write the report over all tasks.

        Raises:
            JobFailed: nothing_trained; there is no model.
        """
        course, brief = self._course, self._brief
        outcomes = tuple(self._outcome(task) for task in ROLES)
        reviews = tuple(Review.model_validate(one) for task in ROLES for one in _listed(self._kept[task], "reviews"))
        missing = tuple(f"{task}: {one}" for task in ROLES for one in _listed(self._kept[task], "missing"))
        unfounded = tuple(str(one) for task in ROLES for one in _listed(self._kept[task], "struck"))
        path = self._folder / "report.md"
        write_atomic(path, report(brief, course.ledger, outcomes, reviews, missing, unfounded))
        course.tell(artifact("report", str(path)))
        final = model_of(course.ledger, brief)
        if final is None or final.model is None:
            raise JobFailed(
                f"The crew ended without a model: {' '.join(missing) or 'none was registered.'}",
                f"See {path}; start a new crew run, perhaps with more seconds or another language model.",
                "nothing_trained",
            )
        return CrewReport(
            model_id=final.model,
            tasks=outcomes,
            report=str(path),
            seconds=round(seconds, 3),
            run=brief.run,
            process=brief.process,
            dataset=brief.dataset,
            target=brief.target,
            reviews=reviews,
            struck=unfounded,
            missing=missing,
            turns=course.turns,
            tokens=course.tokens,
        )

    def _write_page(self, task: str) -> None:
        name = PAGES[task][0]
        outcome = self._outcome(task)
        missing = [str(one) for one in _listed(self._kept[task], "missing")]
        write_atomic(self._page(task), deliverable(task, self._brief, self._course.ledger, outcome, missing))
        self._course.tell(artifact(name, str(self._page(task))))

    def _outcome(self, task: str) -> TaskOutcome:
        files = (str(self._page(task)), *_files(task, self._brief, self._course.ledger))
        return TaskOutcome(name=task, agent=ROLES[task][1], output=str(self._kept[task]["output"]), artifacts=files)

    def _given(self) -> dict[str, object]:
        """What the user gave and may be said again. What is required is not so yet: its figures count for nothing."""
        return self._brief.model_dump(mode="json", exclude={"process", "demands"})

    def _page(self, task: str) -> Path:
        return self._folder / f"{PAGES[task][0]}.md"

    def _note(self, task: str) -> Path:
        return self._folder / "tasks" / f"{task}.json"


def _files(task: str, brief: Brief, ledger: Ledger) -> tuple[str, ...]:
    """What the tools of a task wrote that a person may open."""
    trained, tested = model_of(ledger, brief), result_in(ledger, "test_model", ModelTest)
    planned = result_in(ledger, "plan_deployment", DeploymentPlan)
    found: Mapping[str, tuple[str | None, ...]] = {
        "implement": (trained.package, trained.report) if trained else (),
        "test": (tested.file,) if tested else (),
        "deploy": (planned.file,) if planned else (),
    }
    return tuple(path for path in found.get(task, ()) if path)


def _listed(kept: Mapping[str, object], name: str) -> list[object]:
    found = kept.get(name)
    return found if isinstance(found, list) else []
