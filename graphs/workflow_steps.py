"""The steps of a run after its training: one at a time, behind a yes where its effect asks for one, each once.

An approval is bound to the plan's hash, the step and its arguments with all references resolved. It is in the
checkpoint, so it survives a restart, and it is used up by the one execution that follows.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from langgraph.types import interrupt
from pydantic import ValidationError

from agents.plan import Step
from agents.plan_references import Reference, field_of, references_in, replaced
from agents.plan_words import PROMOTE, TEST, wishes_of
from engine.errors import BadArguments, BadChoice, Fixable, JobFailed, MillwrightError
from engine.files import write_json
from graphs.calls import use_tool
from graphs.events import Event, TextDelta, ToolFinished
from graphs.planning import open_leaks
from graphs.run_plan import FINISH, TRAIN, TUNE
from graphs.run_types import StepDecision, StepOutcome, StepWaiting
from graphs.workflow_state import Json, Update, Work, WorkflowState, plan_in, request_in
from tools.audit import BY_REQUEST, resting_on
from tools.home import read_json_if_there

TRAINING = frozenset({TRAIN, TUNE, FINISH})
DESPITE = "despite_leaks"
"""The argument by which a promotion accepts leaks, by their columns."""
_MOST_TOLD, _LONGEST = 5, 600
STOPS = frozenset({"disk_full", "home_not_writable", "worker_lost", "database_failed", "budget_spent"})
"""Failures that are no fault of the step: the run stops and is resumed when they are mended."""

# nodes


def gate(state: WorkflowState, runtime: Work) -> Update:
    """Wait for a person. Runs again from its top when answered, so nothing that has an effect precedes the wait."""
    wanted = waiting_step(state)
    answer: Any = interrupt(wanted.model_dump(mode="json"))
    decision = checked_decision(wanted, answer)
    if decision.approve:
        return {"granted": wanted.token}
    told = f"Declined. {decision.reason}".strip()
    runtime.context.emit(TextDelta(text=f"Step {wanted.step} was declined; the run goes on without it.\n"))
    return _ended(state, StepOutcome(step=wanted.step, tool=wanted.tool, state="declined", reason=told))


def act(state: WorkflowState, runtime: Work) -> Update:
    """Run the next step, or pass over one whose result it needs was never made."""
    step = next_step(state)
    assert step is not None, "the routes lead here only with a step left"
    missing = _missing(state, step)
    if missing:
        runtime.context.emit(TextDelta(text=f"Step {step.id} is passed over: {missing}\n"))
        return _ended(state, StepOutcome(step=step.id, tool=step.tool, state="skipped", reason=missing))
    if asks(state, step) and state.get("granted") != token_of(state, step):
        # never by the routes: a state that was written by hand
        raise BadArguments(f"Step {step.id!r} has no approval.", "Resume the run, and answer what it asks.")
    return _done(state, runtime, step)


def _done(state: WorkflowState, runtime: Work, step: Step) -> Update:
    clock = runtime.context.clock
    began = clock.spent()
    try:
        result = _once(state, runtime, step)
    except (Fixable, JobFailed) as error:
        if error.code in STOPS:
            raise
        outcome = StepOutcome(
            step=step.id, tool=step.tool, state="failed", reason=str(error), seconds=_since(began, clock.spent())
        )
        runtime.context.emit(TextDelta(text=f"Step {step.id} failed: {error}\n"))
        return _ended(state, outcome)
    outcome = StepOutcome(
        step=step.id, tool=step.tool, state="done", seconds=_since(began, clock.spent()), result=result
    )
    update = _ended(state, outcome)
    summary = {**state["summary"], "seconds": round(clock.spent(), 3)}
    return {**update, "results": {**state.get("results", {}), step.id: result}, "summary": summary}


def _once(state: WorkflowState, runtime: Work, step: Step) -> Json:
    """The result of the step. It is on disk before anyone hears of it, so a replay of this node finds it there."""
    context = runtime.context
    record = _record(context.workshop.runs, state["run"], step.id)
    token = token_of(state, step)
    kept = read_json_if_there(record)
    if kept is not None and kept["token"] == token and kept["result"] is not None:
        result: Json = kept["result"]
        return result
    if kept is not None and kept["token"] == token and step.effect == "external":
        # not again without being told to: whatever it did outside this machine may be done
        raise BadArguments(
            f"Step {step.id!r} was cut off while it ran, and may have taken effect.",
            f"Look whether it did; if not, call {step.tool} by itself.",
        )

    def listen(event: Event) -> None:
        if isinstance(event, ToolFinished) and event.result is not None:
            write_json(record, {"token": token, "result": event.result})
        context.emit(event)

    if step.waits:
        write_json(record, {"token": token, "result": None})
    call = f"{state['run']}/step-{step.id}"
    workshop = resting_on(context.workshop, state.get("granted") or BY_REQUEST)
    try:
        found = use_tool(workshop, step.tool, arguments_of(state, step), call=call, show=f"step-{step.id}", emit=listen)
    except MillwrightError:
        record.unlink(missing_ok=True)
        raise
    return found.model_dump(mode="json")


# routes


def next_node(state: WorkflowState, runtime: Work) -> Literal["gate", "act", "__end__"]:
    """Where the next step is done; with none left the run is over."""
    step = next_step(state)
    if step is None:
        return "__end__"
    waits = asks(state, step) and not _missing(state, step) and state.get("granted") != token_of(state, step)
    return "gate" if waits else "act"


# reading the state


def next_step(state: WorkflowState) -> Step | None:
    """The first step after the training that nothing was done about yet."""
    ended = {outcome["step"] for outcome in state.get("outcomes", [])}
    return next((step for step in plan_in(state).steps if step.id not in TRAINING | ended), None)


def asks(state: WorkflowState, step: Step) -> bool:
    """Whether the step waits for a yes. One to all covers no model that was trained on a leak or failed a test, and
    nothing that the user's own words do not ask for."""
    if not step.waits:
        return False
    concerns = _leaks(state, step) or _failures(state, step) or _unasked(state, step)
    return not request_in(state).approve_all or bool(concerns)


def arguments_of(state: WorkflowState, step: Step) -> Json:
    """The arguments of a step with what the steps before it have found; what is promoted in spite of a leak names it,
    since nobody says yes to that without having read it.
    """
    found = replaced(step.arguments, lambda named: _referred(state, named))
    assert isinstance(found, dict)
    leaks = [finding.column for finding in open_leaks(plan_in(state))] if step.tool == PROMOTE else []
    if leaks:
        found[DESPITE] = list(dict.fromkeys([*_named(found), *leaks]))
    return found


def _leaks(state: WorkflowState, step: Step) -> tuple[str, ...]:
    """Sentences about what a model that is to be promoted learned from."""
    if step.tool != PROMOTE:
        return ()
    found = open_leaks(plan_in(state))
    known = {finding.column for finding in found}
    others = [column for column in _named(arguments_of(state, step)) if column not in known]
    told = [f"The plan wants column {column[:60]!r} accepted though it gives the target away." for column in others]
    return (*(finding.sentence for finding in found), *told)


def _named(arguments: Json) -> list[str]:
    """The leaks that a promotion accepts by name."""
    given = arguments.get(DESPITE)
    return [str(column) for column in given] if isinstance(given, list | tuple) else []


def _failures(state: WorkflowState, step: Step) -> tuple[str, ...]:
    """Sentences about the tests before a promotion that were not passed, or could not be made."""
    if step.tool != PROMOTE:
        return ()
    tested = (StepOutcome.model_validate(found) for found in state.get("outcomes", []) if found["tool"] == TEST)
    return tuple(told for outcome in tested if (told := _failed(outcome)))


def _failed(outcome: StepOutcome) -> str:
    """What a test found wrong; '' when it was passed."""
    if outcome.result is None:
        return f"Step {outcome.step!r} tested nothing: it was {outcome.state}. {outcome.reason[:_LONGEST]}".strip()
    if outcome.result.get("passed") is not False:
        return ""
    every = [*outcome.result.get("checks", ()), *outcome.result.get("requirements", ())]
    wrong = [f"{check['name']}: {check['detail']}" for check in every if check["status"] == "failed"]
    unjudged = [
        f"{check['name']} could not be judged: {check['detail']}"
        for check in outcome.result.get("requirements", ())
        if check["status"] == "skipped"
    ]
    told = "; ".join((wrong + unjudged)[:_MOST_TOLD]) or str(outcome.result.get("summary", ""))
    return f"Step {outcome.step!r} was not passed: {told[:_LONGEST]}"


def _unasked(state: WorkflowState, step: Step) -> tuple[str, ...]:
    """What of a step that acts on others a model has proposed and nobody has asked for; a plan that was given says it
    all by itself.
    """
    request = request_in(state)
    if request.plan is not None:
        return ()
    wanted: dict[str, object] | None = None
    for words in (request.goal, *request.edits):
        found = wishes_of(words).wanted.get(step.tool)
        wanted = wanted if found is None else {**(wanted or {}), **found}
    if wanted is None:
        return (f"The goal does not ask for {step.tool} in the user's own words.",)
    of_the_run = str(step.arguments.get("model", "")).startswith("$")
    said = {**wanted, "model": step.arguments.get("model") if of_the_run else None}
    strange = sorted(name for name, value in step.arguments.items() if name != DESPITE and said.get(name) != value)
    return tuple(f"The user's own words do not say the {name} of {step.tool}." for name in strange)


def token_of(state: WorkflowState, step: Step) -> str:
    """What an approval of this step, of this plan, with these arguments, is known by."""
    bound = {"plan": state["plan"]["hash"], "step": step.id, "arguments": arguments_of(state, step)}
    return sha256(json.dumps(bound, sort_keys=True, default=str).encode()).hexdigest()[:24]


def waiting_step(state: WorkflowState) -> StepWaiting:
    """What is asked of a person about the next step."""
    step, plan = next_step(state), plan_in(state)
    assert step is not None, "the routes lead here only with a step left"
    leaks, failures, unasked = _leaks(state, step), _failures(state, step), _unasked(state, step)
    return StepWaiting(
        step=step.id,
        tool=step.tool,
        arguments=arguments_of(state, step),
        why=_why(step, leaks, failures, unasked),
        leaks=leaks,
        failures=failures,
        unasked=unasked,
        hash=plan.hash,
        token=token_of(state, step),
    )


def checked_decision(wanted: StepWaiting, answer: object) -> StepDecision:
    """A decision about exactly this.

    Raises:
        BadArguments: it is no decision.
        BadChoice: it is about another plan, step or call.
    """
    try:
        decision = StepDecision.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the decision"
        raise BadArguments(
            f"This is no decision: {where}: {first['msg']}.", "Give approve, hash, step and token, as they were shown."
        ) from error
    if decision.hash != wanted.hash:
        raise BadChoice("hash of this plan (it was edited since)", decision.hash, (wanted.hash,))
    if decision.step != wanted.step:
        raise BadChoice("step that waits for a yes", decision.step, (wanted.step,))
    if decision.token != wanted.token:
        raise BadChoice("token of this step with these arguments", decision.token, (wanted.token,))
    return decision


def _why(step: Step, leaks: Sequence[str], failures: Sequence[str], unasked: Sequence[str]) -> str:
    told = "changes something others use" if step.effect == "write" else "acts outside this machine"
    named = [*(f"Leak: {leak}" for leak in leaks), *(f"Test: {failure}" for failure in failures), *unasked]
    return " ".join(filter(None, (step.why, f"{step.tool} {told}.", *named)))


def _referred(state: WorkflowState, named: Reference) -> object:
    return field_of(_results(state).get(named.step), named.path)


def _results(state: WorkflowState) -> Mapping[str, Json]:
    rounds = state.get("rounds", [])
    of_rounds = {TRAIN: rounds[0], TUNE: rounds[-1]} if rounds else {}
    return {**of_rounds, **state.get("results", {})}


def _missing(state: WorkflowState, step: Step) -> str:
    """Why a step cannot be done: what it needs was not made; '' when it can."""
    for named in references_in(step.arguments):
        if _referred(state, named) is None:
            ended = {outcome["step"]: outcome["state"] for outcome in state.get("outcomes", [])}
            why = f"was {ended[named.step]}" if ended.get(named.step, "done") != "done" else "gave none"
            return f"it needs {named}, and step {named.step!r} {why}."
    return ""


def _ended(state: WorkflowState, outcome: StepOutcome) -> Update:
    outcomes = [*state.get("outcomes", []), outcome.model_dump(mode="json")]
    ended: WorkflowState = {**state, "outcomes": outcomes}
    plan = plan_in(state)
    last = next_step(ended) is None
    return {
        "outcomes": outcomes,
        "granted": "",
        "plan": (plan.to_state("done") if last else plan).model_dump(mode="json"),
    }


def _record(runs: Path, run: str, step: str) -> Path:
    return runs / Path(run).name / "workflow" / "steps" / f"{step}.json"


def _since(began: float, now: float) -> float:
    return round(now - began, 3)
