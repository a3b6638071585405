"""Plans as tools: make, edit, show, run, approve a step. They carry out runs, so they are made for a model and a saver.

The plan of a run lives in its checkpoints; the file in the home is what was last seen of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.plan import Plan
from engine.errors import BadArguments, BadChoice, Busy, MillwrightError, NotFound
from engine.progress import Watch, silent
from graphs.plan_store import PlanRecord, PlanStore, new_plan_id
from graphs.plan_types import (
    ApproveStepRequest,
    EditPlanRequest,
    MakePlanRequest,
    PlanRun,
    PlanShown,
    RunPlanRequest,
    ShowPlanRequest,
)
from graphs.planning import Drafted, Planning
from graphs.run_plan import PlanDecision
from graphs.run_types import RunRequest, RunSummary, StepDecision, Waiting
from graphs.runs import approve_run, edit_run, go_on, new_run_id, plan_now, plan_run, waiting
from graphs.within import as_progress
from tools.spec import Effect, Estimate, ToolRequest, ToolResult, ToolSpec, costs_nothing
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
PILOT = Estimate(seconds=5.0, memory_mb=200.0)
"""Making a plan: reading the data and a timed pilot, whose own limit is a second or two for each candidate."""


def plan_tools(model: BaseChatModel, saver: Saver, price: float | None = None) -> dict[str, ToolSpec]:
    """The tools by name. `model` decides in the runs, `saver` keeps their state; `price` is what a million tokens of
    the model cost, for the estimates.
    """
    desk = _Desk(model, saver, price)
    specs = (
        _spec(
            "make_plan",
            "Plan a whole job from a goal in words: profile the data, choose candidates, and lay out training, tuning "
            "and what the goal asks for after it (explain, optimise, test, deployment note, promote, watch) as steps "
            "with their reasons, effects and estimates. Nothing is trained. Show the plan, and run it with run_plan.",
            (MakePlanRequest, PlanShown, desk.make),
            watched=True,
        ),
        _spec(
            "edit_plan",
            "Change a plan that does not run yet, in words ('use recall instead', 'drop gender', 'without tuning', "
            "'give it 2 minutes', \"don't promote\") or field by field. The plan gets a new hash.",
            (EditPlanRequest, PlanShown, desk.edit),
        ),
        _spec(
            "show_plan",
            "Show a plan, how far it is and what it waits for.",
            (ShowPlanRequest, PlanShown, desk.show),
            "read",
        ),
        _spec(
            "run_plan",
            "Carry out a plan as it was shown, to its end or to the step that waits for a yes. The approval is good "
            "for the hash in the arguments and no other. A plan that was cut off goes on; a finished one tells its "
            "result.",
            (RunPlanRequest, PlanRun, desk.run),
            "write",
            watched=True,
        ),
        _spec(
            "approve_step",
            "Say yes or no to the step that a running plan waits for, and go on with it.",
            (ApproveStepRequest, PlanRun, desk.approve),
            "write",
            watched=True,
        ),
    )
    return {spec.name: spec for spec in specs}


@dataclass(frozen=True)
class _Desk:
    """The functions of the tools."""

    model: BaseChatModel
    saver: Saver
    price: float | None = None

    def make(self, workshop: Workshop, request: MakePlanRequest, watch: Watch = silent) -> PlanShown:
        """Raises: Fixable: the goal, the data or a choice cannot be used."""
        # only what was said: a number of models without a time has none, and the goal may name what nobody set
        run, said = new_run_id(), request.model_dump(exclude_unset=True)
        asked = RunRequest.of(**said, price_per_million_tokens=self.price)
        plan = plan_run(workshop, self.model, self.saver, asked, run, as_progress(watch), keep=True)
        record = PlanRecord(id=new_plan_id(), run=run, plan=plan, hashes=(plan.hash,), created=workshop.now())
        return _shown(PlanStore(workshop.home).put(record), None)

    def edit(self, workshop: Workshop, request: EditPlanRequest) -> PlanShown:
        """Raises: NotFound: no such plan, or it runs already. Fixable: an edit that cannot be made."""
        if (request.words is None) == (not request.edits):
            raise BadArguments("An edit is in words or by fields.", "Give `words` or `edits`, and not both.")
        store = PlanStore(workshop.home)
        record = self._at_present(workshop, store.get(request.plan))
        _must_be_editable(record)

        def change(planning: Planning, plan: Plan, asked: RunRequest) -> Drafted:
            if request.words is not None:
                return planning.edited_by_words(plan, asked, request.words)
            return planning.edited_by_fields(plan, asked, request.edits)

        drafted = edit_run(workshop, self.model, self.saver, record.run, change)
        return _shown(store.put(record.now(drafted.plan).without_reason()), None, drafted.changes)

    def show(self, workshop: Workshop, request: ShowPlanRequest) -> PlanShown:
        """Raises: NotFound: no such plan."""
        record = self._at_present(workshop, PlanStore(workshop.home).get(request.plan))
        return _shown(record, self._waiting(workshop, record))

    def run(self, workshop: Workshop, request: RunPlanRequest, watch: Watch = silent) -> PlanRun:
        """Raises: NotFound: no such plan. BadChoice: an old hash. MillwrightError: what stops the run."""
        record = self._at_present(workshop, PlanStore(workshop.home).get(request.plan))
        _must_be_present(record, request.hash)
        waits, emit = self._waiting(workshop, record), as_progress(watch)
        with self._failures_kept(workshop, record):
            if waits is not None and waits.step is None:
                yes = PlanDecision(approve=True, hash=request.hash)
                found = approve_run(workshop, self.model, self.saver, record.run, yes, emit)
            elif waits is not None:
                found = waits
            else:
                found = go_on(workshop, self.model, self.saver, record.run, emit)
        return self._so_far(workshop, record, found)

    def approve(self, workshop: Workshop, request: ApproveStepRequest, watch: Watch = silent) -> PlanRun:
        """Raises: NotFound: no such plan, or nothing waits. BadChoice: another plan, step or call waits."""
        record = self._at_present(workshop, PlanStore(workshop.home).get(request.plan))
        _must_be_present(record, request.hash)
        decision = StepDecision.model_validate(request.model_dump(exclude={"plan"}))
        with self._failures_kept(workshop, record):
            found = approve_run(workshop, self.model, self.saver, record.run, decision, as_progress(watch))
        return self._so_far(workshop, record, found)

    @contextmanager
    def _failures_kept(self, workshop: Workshop, record: PlanRecord) -> Iterator[None]:
        """What stops the run stays with the plan, so that whoever looks at it later is told."""
        try:
            yield
        except MillwrightError as error:
            present = self._at_present(workshop, record)
            # an answer that was refused, or that someone else was quicker with, stops nothing
            answered = isinstance(error, Busy) or error.code == "approval_not_found"
            if present.plan.state == "running" and not answered and self._waiting(workshop, record) is None:
                failed = present.plan.to_state("failed")
                PlanStore(workshop.home).put(present.now(failed).model_copy(update={"reason": str(error)}))
            raise

    def _at_present(self, workshop: Workshop, record: PlanRecord) -> PlanRecord:
        """The record with the plan as its run has it."""
        try:
            plan = plan_now(workshop, self.saver, record.run)
        except NotFound:
            # a run that ended before its first training leaves nothing but this record
            return record
        if plan is None:
            return record
        if record.reason and plan.state == "running" and plan.hash == record.plan.hash:
            plan = plan.to_state("failed")
        return record.now(plan)

    def _waiting(self, workshop: Workshop, record: PlanRecord) -> Waiting | None:
        try:
            return waiting(workshop, self.saver, record.run)
        except NotFound:
            return None

    def _so_far(self, workshop: Workshop, record: PlanRecord, found: RunSummary | Waiting) -> PlanRun:
        plan = found.plan or record.plan
        PlanStore(workshop.home).put(record.now(plan).without_reason())
        told = PlanRun(plan=record.id, run=record.run, state=plan.state, hash=plan.hash, left_out=plan.left_out)
        if isinstance(found, Waiting):
            return told.model_copy(update={"waits_for": found.step, "steps": found.steps})
        named = {"model": found.model_id, "metric": found.metric, "report": found.report}
        return told.model_copy(update={**named, "seconds": found.seconds, "steps": found.steps})


def _must_be_present(record: PlanRecord, given: str) -> None:
    if given == record.plan.hash:
        return
    stale = " (it was edited since)" if given in record.hashes else ""
    raise BadChoice(f"hash of plan {record.id}{stale}", given, (record.plan.hash,))


def _shown(record: PlanRecord, waits: Waiting | None, changes: tuple[str, ...] = ()) -> PlanShown:
    plan = record.plan
    return PlanShown(
        plan=record.id,
        run=record.run,
        goal=plan.goal,
        state=plan.state,
        hash=plan.hash,
        rows=plan.rows(),
        mermaid=plan.to_mermaid(),
        seconds=plan.seconds,
        memory_mb=plan.memory_mb,
        tokens=plan.tokens,
        money=plan.money,
        findings=plan.findings,
        left_out=plan.left_out,
        changes=changes,
        hashes=record.hashes,
        waits_for=waits.step if waits is not None else None,
        reason=record.reason,
    )


def _must_be_editable(record: PlanRecord) -> None:
    """Raises: BadArguments: the plan is over."""
    if record.plan.state in ("done", "rejected"):
        state = "done" if record.plan.state == "done" else "declined"
        raise BadArguments(
            f"Plan {record.id} is {state}: nothing of it can be changed.", "Make a new plan with make_plan."
        )


def _spec(
    name: str,
    description: str,
    parts: tuple[type[ToolRequest], type[ToolResult], Any],
    effect: Effect = "compute",
    watched: bool = False,
) -> ToolSpec:
    request, result, function = parts
    estimate = (lambda _, __: PILOT) if name == "make_plan" else costs_nothing
    return ToolSpec(
        name=name,
        description=description,
        request=request,
        result=result,
        function=function,
        effect=effect,
        estimate=_of_the_plan if name == "run_plan" else estimate,
        watched=watched,
    )


def _of_the_plan(workshop: Workshop, request: RunPlanRequest) -> Estimate:
    """The plan's own."""
    plan = PlanStore(workshop.home).get(request.plan).plan
    return Estimate(seconds=plan.seconds or 0.0, memory_mb=plan.memory_mb or 0.0)
