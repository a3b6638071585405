"""What `millwright run` and `millwright demo` share: a run that is shown, asked about, and can be stopped."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from graphs.run_types import RunSummary
from graphs.runs import new_run_id, plan_run, resume_run, start_run, waiting
from millwright.cli import screens_run
from millwright.cli.asking import ask, must_be_able_to_ask
from millwright.cli.listening import Listener, carried_out, listening
from millwright.cli.opening import opened, opened_mind
from millwright.cli.reply import Document, Reply

if TYPE_CHECKING:
    from agents.plan import Plan
    from graphs.run_types import RunRequest, StepWaiting
    from tools.workshop import Workshop


def start(request: "RunRequest", json: bool) -> Reply:
    """Run a new request to its end.

    Raises:
        ApprovalNeeded: the plan was not approved, or nobody could be asked.
        MillwrightError: whatever stops the run.
    """
    must_be_able_to_ask(request.approve_all)
    with opened() as workshop:
        summary, exit_code = run(workshop, request)
    return _reply(summary, json, exit_code)


def dry_run(request: "RunRequest", json: bool) -> Reply:
    """Show the plan of a request with its estimates; nothing is trained."""
    with opened() as workshop:
        listener = Listener(workshop, request.budget_seconds)
        # the answer is the plan; on the way to it there is nothing to be asked about
        with opened_mind(workshop) as (model, saver), listening(listener):
            plan = plan_run(workshop, model, saver, request, emit=screens_run.without_plans(listener))
    return Reply(screens_run.plan_document(plan), lambda console: screens_run.show_plan(plan, console), json)


def resume(run_id: str, yes: bool, json: bool) -> Reply:
    """Go on with a run where it stopped, and say what it waits for."""
    with opened() as workshop:
        listener = Listener(workshop)
        with opened_mind(workshop) as (model, saver):
            waits = waiting(workshop, saver, run_id)
            if waits is not None:
                listener.say(screens_run.what_waits(waits))
            approve, step = _approval(listener, yes), _step_approval(listener, yes)
            summary, exit_code = carried_out(
                run_id,
                _go_on(run_id),
                listener,
                lambda: resume_run(workshop, model, saver, run_id, approve, listener, step),
            )
    return _reply(summary, json, exit_code)


def run(workshop: "Workshop", request: "RunRequest") -> tuple[RunSummary, int]:
    """A new run and its exit code: that of Ctrl-C when the user stopped it early and the best so far was packaged."""
    run_id, listener = new_run_id(), Listener(workshop, request.budget_seconds)
    print(f"Run {run_id}", file=sys.stderr)
    with opened_mind(workshop) as (model, saver):
        approve, step = _approval(listener, request.approve_all), _step_approval(listener, request.approve_all)
        return carried_out(
            run_id,
            _go_on(run_id),
            listener,
            lambda: start_run(workshop, model, saver, request, run_id, approve, listener, step),
        )


def _reply(summary: RunSummary, json: bool, exit_code: int) -> Reply:
    document: Document = summary
    if summary.plan is not None:
        document = {**summary.model_dump(mode="json"), "mermaid": summary.plan.to_mermaid()}
    return Reply(document, lambda console: screens_run.show(summary, console), json, exit_code)


def _go_on(run_id: str) -> str:
    return f"Go on with it: millwright run --resume {run_id}"


def _approval(listener: Listener, yes: bool) -> "Callable[[Plan], bool]":
    def approve(plan: "Plan") -> bool:
        listener.show_plan(plan)
        must_be_able_to_ask(yes)
        return yes or ask("Run this plan?")

    return approve


def _step_approval(listener: Listener, yes: bool) -> "Callable[[StepWaiting], bool]":
    def approve(step: "StepWaiting") -> bool:
        listener.say(screens_run.step_question(step))
        if yes and not step.concerns:
            return True
        if step.concerns and not sys.stdin.isatty():
            # a yes to all was said before anyone knew of the leak or the failed test
            listener.say("Nobody is here to say yes to that: the step is left out.")
            return False
        must_be_able_to_ask(False)
        return ask(f"Run the step {step.step}?")

    return approve
