"""Starting a run, and going on with one that a crash, a kill or a question cut off."""

import secrets
from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.types import StateSnapshot

from agents.budget import RUN, account
from agents.budget_work import paid_by
from agents.plan import Plan
from engine.errors import ApprovalNeeded, BadChoice, NotFound
from engine.files import write_json
from graphs.clock import RunClock
from graphs.events import Emit, Event, RunFinished, unheard
from graphs.lease import lease
from graphs.planning import Drafted, Planning
from graphs.run_plan import PlanDecision
from graphs.run_types import RunRequest, RunSummary, StepDecision, StepWaiting, Waiting
from graphs.runs_work import (
    RECORD,
    WORKFLOW,
    Asker,
    Saver,
    folder_of,
    forget,
    graph_of,
    is_untrained,
    must_exist,
    planned,
    ready,
    thread_of,
    what_waits,
    work,
)
from graphs.workflow import WorkflowContext, planning_in
from graphs.workflow_state import request_in
from graphs.workflow_steps import checked_decision
from tools.workshop import Workshop

__all__ = [
    "Approve",
    "ApproveStep",
    "RunRequest",
    "RunSummary",
    "Waiting",
    "approve_run",
    "edit_run",
    "go_on",
    "new_run_id",
    "plan_now",
    "plan_run",
    "resume_run",
    "start_run",
    "waiting",
]

Approve = Callable[[Plan], bool]
"""Asked for a yes or no to the plan."""
ApproveStep = Callable[[StepWaiting], bool]
"""Asked for a yes or no to one step."""


def new_run_id() -> str:
    """A fresh id, e.g. 'run_1b2d4e3f9a0c'."""
    return f"run_{secrets.token_hex(6)}"


def start_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: Saver,
    request: RunRequest,
    run_id: str | None = None,
    approve: Approve | None = None,
    emit: Emit = unheard,
    approve_step: ApproveStep | None = None,
) -> RunSummary:
    """Do the whole job: from a goal and data to a registered model, and what the goal asks for after that.

    Args:
        run_id: name it in advance, to be able to resume it whatever happens; `new_run_id()` by default.
        approve: asked when the request does not say yes to all; without it such a run waits, to be resumed.
        approve_step: asked before each step that changes what others use; without it the run waits there.

    Raises:
        Fixable: the request cannot be carried out as it is, e.g. TargetNeeded, ColumnNotFound, BadBudget.
        ApprovalNeeded: the plan was declined, or nobody was there to say yes.
        Busy: `run_busy`.
        MillwrightError: anything else that stopped the run; what was finished is kept for `resume_run`.

    Nothing stays of a run that a Fixable ended before its first training, but for one that waits for a yes.
    """
    run = run_id or new_run_id()
    request = ready(workshop, request, emit)
    with lease(folder_of(workshop, run) / WORKFLOW, "run", run):
        write_json(folder_of(workshop, run) / RECORD, request.model_dump(mode="json"))
        return _whole(_charged(workshop, model, saver, run, _asker(approve, approve_step), emit))


def plan_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: Saver,
    request: RunRequest,
    run_id: str | None = None,
    emit: Emit = unheard,
    *,
    keep: bool = False,
) -> Plan:
    """The checked plan of a run with its estimates. Data is imported and looked at; nothing is trained or registered.

    Args:
        keep: leave the run waiting for a yes to this plan; otherwise nothing stays of it but the dataset.

    Raises:
        Fixable: the request cannot be carried out as it is.
        Busy: `run_busy`.
    """
    run = run_id or new_run_id()
    request = ready(workshop, request, emit)
    with lease(folder_of(workshop, run) / WORKFLOW, "run", run):
        write_json(folder_of(workshop, run) / RECORD, request.model_dump(mode="json"))
        found = planned(workshop, model, saver, run, emit)
        if not keep:
            forget(workshop, saver, run)
    return found


def resume_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: Saver,
    run_id: str,
    approve: Approve | None = None,
    emit: Emit = unheard,
    approve_step: ApproveStep | None = None,
) -> RunSummary:
    """Go on with a run where it stopped; finished steps are not repeated. A finished run gives its summary again.

    Raises:
        NotFound: `run_not_found`.
        MillwrightError: as `start_run`.
    """
    must_exist(workshop, run_id)
    with lease(folder_of(workshop, run_id) / WORKFLOW, "run", run_id):
        return _whole(_charged(workshop, model, saver, run_id, _asker(approve, approve_step), emit))


def waiting(workshop: Workshop, saver: Saver, run_id: str) -> Waiting | None:
    """What a run waits for; None when it waits for nobody.

    Raises:
        NotFound: `run_not_found`.
    """
    must_exist(workshop, run_id)
    return what_waits(run_id, graph_of(saver).get_state(thread_of(run_id)))


def plan_now(workshop: Workshop, saver: Saver, run_id: str) -> Plan | None:
    """The plan of a run as it is now; None where it has none yet.

    Raises:
        NotFound: `run_not_found`.
    """
    must_exist(workshop, run_id)
    plan = graph_of(saver).get_state(thread_of(run_id)).values.get("plan")
    return None if plan is None else Plan.model_validate(plan)


def approve_run(
    workshop: Workshop,
    model: BaseChatModel,
    saver: Saver,
    run_id: str,
    decision: PlanDecision | StepDecision,
    emit: Emit = unheard,
) -> RunSummary | Waiting:
    """Answer what a run waits for, from any process, and go on with it: to its end, or to what it asks next.

    Raises:
        NotFound: no such run, or it waits for nothing (`approval_not_found`).
        BadChoice: the decision is about another plan, step or call than the one that waits.
        ApprovalNeeded: the plan was declined, and the run is over.
        Busy: someone else has just answered, or works on it.
        MillwrightError: as `start_run`.
    """
    must_exist(workshop, run_id)
    with lease(folder_of(workshop, run_id) / WORKFLOW, "run", run_id):
        wanted = what_waits(run_id, graph_of(saver).get_state(thread_of(run_id)))
        if wanted is None:
            raise NotFound("approval", run_id, hint=f"Run {run_id!r} waits for nothing; it may be answered already.")
        # before the graph hears of it: what is given to an interrupt is kept, and would be taken again
        answer = _about(wanted, decision)
        answers = iter([answer])
        return _charged(workshop, model, saver, run_id, lambda _: next(answers, None), emit)


def go_on(
    workshop: Workshop, model: BaseChatModel, saver: Saver, run_id: str, emit: Emit = unheard
) -> RunSummary | Waiting:
    """Go on with a run with nobody there to ask: to its end, or to what it waits for.

    Raises:
        NotFound: `run_not_found`.
        MillwrightError: as `start_run`.
    """
    must_exist(workshop, run_id)
    with lease(folder_of(workshop, run_id) / WORKFLOW, "run", run_id):
        return _charged(workshop, model, saver, run_id, lambda _: None, emit)


def _charged(
    workshop: Workshop, model: BaseChatModel, saver: Saver, run: str, ask: Asker, emit: Emit
) -> RunSummary | Waiting:
    """Work on the run, with everything charged to its account too; the summary says what it took."""
    with paid_by(workshop.home, account(RUN, run), model) as paid:

        def hear(event: Event) -> None:
            if isinstance(event, RunFinished) and event.run == run and event.summary is not None:
                told = RunSummary.model_validate(event.summary).model_copy(update=paid.bill())
                event = event.model_copy(update={"summary": told.model_dump(mode="json")})
            emit(event)

        found = work(workshop, paid.model, saver, run, ask, hear)
        return found.model_copy(update=paid.bill()) if isinstance(found, RunSummary) else found


Edit = Callable[[Planning, Plan, RunRequest], Drafted]
"""Makes another plan of the one that waits."""


def edit_run(
    workshop: Workshop, model: BaseChatModel, saver: Saver, run_id: str, edit: Edit, emit: Emit = unheard
) -> Drafted:
    """Change the plan of a run that waits for a yes to it, or that was stopped before anything was trained; it then
    waits for a yes again. Whoever approves the old one after that is refused.

    Raises:
        NotFound: no such run, or its plan no longer waits (`approval_not_found`).
        Fixable: the edit cannot be made; the plan stays as it was.
        Busy: someone else works on the run.
    """
    must_exist(workshop, run_id)
    with lease(folder_of(workshop, run_id) / WORKFLOW, "run", run_id):
        graph = graph_of(saver)
        state = graph.get_state(thread_of(run_id))
        before = _editable(workshop, run_id, state)
        clock = RunClock(folder_of(workshop, run_id) / WORKFLOW / "clock.json")
        context = WorkflowContext(workshop=workshop, model=model, clock=clock, emit=emit)
        values: Any = state.values
        drafted = edit(planning_in(values, context), before, request_in(values))
        new = {"plan": drafted.plan.model_dump(mode="json"), "request": drafted.request.model_dump(mode="json")}
        if what_waits(run_id, state) is None:
            new["edition"] = values.get("edition", 0) + 1
        graph.update_state(thread_of(run_id), new, as_node="plan")
    return drafted


def _editable(workshop: Workshop, run: str, state: StateSnapshot) -> Plan:
    """The plan of a run, when nothing that was done hangs on it."""
    wanted = what_waits(run, state)
    if wanted is not None and wanted.step is None:
        return wanted.plan
    stopped = "plan" in state.values and bool(state.next) and not state.interrupts
    if not (stopped and is_untrained(workshop, run)):
        hint = f"The plan of run {run!r} runs already, or is over. Make a new plan for another choice."
        raise NotFound("approval", run, hint=hint)
    return Plan.model_validate({**state.values["plan"], "state": "proposed"})


def _about(wanted: Waiting, decision: PlanDecision | StepDecision) -> dict[str, object]:
    """The answer, when it is one to what is asked."""
    if wanted.step is not None:
        if not isinstance(decision, StepDecision):
            raise BadChoice("thing that waits", "the plan", (f"step {wanted.step.step}",))
        return checked_decision(wanted.step, decision).model_dump()
    if not isinstance(decision, PlanDecision):
        raise BadChoice("thing that waits", f"step {decision.step}", ("the plan",))
    wanted.plan.to_state("approved", decision.hash)
    return decision.model_dump()


def _asker(approve: Approve | None, approve_step: ApproveStep | None) -> Asker:
    def ask(wanted: Waiting) -> dict[str, object] | None:
        step = wanted.step
        if step is None:
            return (
                None
                if approve is None
                else PlanDecision(approve=approve(wanted.plan), hash=wanted.plan.hash).model_dump()
            )
        if approve_step is None:
            return None
        bound = {"hash": step.hash, "step": step.step, "token": step.token}
        return StepDecision.model_validate({"approve": approve_step(step), **bound}).model_dump()

    return ask


def _whole(found: RunSummary | Waiting) -> RunSummary:
    if isinstance(found, RunSummary):
        return found
    if found.step is None:
        raise ApprovalNeeded(
            "The plan waits for approval, and nobody is here to give it.", "Look at it, then resume the run with a yes."
        )
    raise ApprovalNeeded(
        f"The step {found.step.step!r} of run {found.run!r} waits for approval: {found.step.why}",
        "Everything before it is done. Resume the run and answer, or approve the step.",
    )
