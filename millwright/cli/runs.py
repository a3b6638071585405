"""What `millwright run` and `millwright demo` share: a run that is shown, asked about, and can be stopped."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import Fixable, MillwrightError
from graphs.runs import RunSummary, new_run_id, resume_run, start_run
from millwright.cli import screens_run
from millwright.cli.asking import ask, must_be_able_to_ask
from millwright.cli.interrupt import Interrupt, Interrupted
from millwright.cli.listening import Listener, listening
from millwright.cli.opening import opened, opened_mind
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from agents.plan import Plan
    from graphs.run_types import RunRequest
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
    return Reply(summary, lambda console: screens_run.show(summary, console), json, exit_code)


def resume(run_id: str, yes: bool, json: bool) -> Reply:
    """Go on with a run where it stopped."""
    with opened() as workshop:
        listener = Listener(workshop)
        with opened_mind(workshop) as (model, saver):
            summary, exit_code = _carry_out(
                run_id,
                listener,
                lambda: resume_run(workshop, model, saver, run_id, _approval(listener, yes), listener),
            )
    return Reply(summary, lambda console: screens_run.show(summary, console), json, exit_code)


def run(workshop: "Workshop", request: "RunRequest") -> tuple[RunSummary, int]:
    """A new run and its exit code: that of Ctrl-C when the user stopped it early and the best so far was packaged."""
    run_id, listener = new_run_id(), Listener(workshop, request.budget_seconds)
    print(f"Run {run_id}", file=sys.stderr)
    with opened_mind(workshop) as (model, saver):
        approve = _approval(listener, request.approve_all)
        return _carry_out(
            run_id, listener, lambda: start_run(workshop, model, saver, request, run_id, approve, listener)
        )


def _carry_out(run_id: str, listener: Listener, work: Callable[[], RunSummary]) -> tuple[RunSummary, int]:
    go_on = f"Go on with it: millwright run --resume {run_id}"
    interrupt = Interrupt()
    try:
        with listening(listener) as interrupt:
            summary = work()
    except KeyboardInterrupt as error:
        raise Interrupted(f"Run {run_id} was left; what is finished is kept.", go_on) from error
    except MillwrightError as error:
        if interrupt.asked:
            raise Interrupted(f"Run {run_id} was stopped before it had a model.", go_on) from error
        if not isinstance(error, Fixable):
            print(go_on, file=sys.stderr)
        raise
    return summary, interrupt.exit_code


def _approval(listener: Listener, yes: bool) -> "Callable[[Plan], bool]":
    def approve(plan: "Plan") -> bool:
        listener.show_plan(plan)
        must_be_able_to_ask(yes)
        return yes or ask("Run this plan?")

    return approve
