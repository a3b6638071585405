"""What people said yes or no to is in the audit, whoever asked them, and effects name what they rest on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel, call, say
from graphs.assistant_types import Decision
from graphs.run_plan import PlanDecision
from graphs.run_types import RunRequest, StepDecision, Waiting
from graphs.runs import approve_run, plan_run
from graphs.sessions import Sessions
from tests.graphs.loopshop import look_after, watched_workshop
from tests.graphs.planshop import plan_workshop
from tools.audit import BY_REQUEST, Entry, audit_of
from tools.workshop import Workshop

Saver = Any
PLANNER = OfflinePlanner()


def entries(workshop: Workshop, *kinds: str) -> list[Entry]:
    assert audit_of(workshop).verify().intact
    return [entry for entry in audit_of(workshop).entries() if entry.kind in kinds]


def test_a_yes_and_a_no_in_a_conversation_and_what_rests_on_the_yes(workshop: Workshop, saver: Saver) -> None:
    script = [call("publish", model="mdl_1"), call("notify", model="mdl_2"), say("Done.")]
    sessions = Sessions(workshop, ScriptedModel(script=script), saver)
    session = sessions.create().id
    first = sessions.send(session, "Publish mdl_1, notify mdl_2.").approval
    assert first is not None
    second = sessions.approve(session, first.approval, Decision(approve=True, reason="it is good")).approval
    assert second is not None
    sessions.approve(session, second.approval, Decision(approve=False, reason="not them"))
    yes, no = entries(workshop, "approval")
    assert (yes.id, yes.decision, yes.reason, yes.tool, yes.arguments) == (
        *(first.approval, True, "it is good", "publish", {"model": "mdl_1"}),
    )
    assert (no.id, no.decision, no.tool, dict(no.about)) == (second.approval, False, "notify", {"session": session})
    begun, ended = entries(workshop, "begun", "ended")
    assert {begun.tool, ended.tool} == {"publish"}
    assert (begun.approval, ended.approval) == (first.approval, first.approval)
    assert begun.call.startswith(f"{session}/")


def test_an_effect_by_policy_does_not_rest_on_what_was_said_to_another_call(workshop: Workshop, saver: Saver) -> None:
    for said in (False, True):
        script = [call("notify", model="mdl_0a1b2c"), call("publish", model="mdl_1"), say("Done.")]
        sessions = Sessions(workshop, ScriptedModel(script=script), saver, ask=frozenset({"external"}))
        session = sessions.create().id
        asked = sessions.send(session, "Notify mdl_0a1b2c, publish mdl_1.").approval
        assert asked is not None
        sessions.approve(session, asked.approval, Decision(approve=said))
        answer = entries(workshop, "approval")[-1]
        *notified, published = entries(workshop, "begun")
        assert (published.tool, published.approval) == ("publish", "")
        assert answer.call.startswith(f"{session}/")
    assert [(entry.tool, entry.approval, entry.call) for entry in notified[1:]] == [
        ("notify", answer.id, answer.call),
    ]


@pytest.mark.parametrize("breaks", ["notify", "publish"])
def test_what_a_crash_broke_off_rests_on_the_yes_to_it_and_on_no_other(
    workshop: Workshop, saver: Saver, breaks: str
) -> None:
    def broken(workshop: Workshop, request: Any) -> Any:
        raise KeyboardInterrupt

    def office(shop: Workshop, *script: Any) -> Sessions:
        return Sessions(shop, ScriptedModel(script=list(script)), saver, ask=frozenset({"external"}))

    tools = {**workshop.tools, breaks: replace(workshop.tools[breaks], function=broken)}
    calls = [call("notify", model="mdl_0a1b2c"), call("publish", model="mdl_1")]
    first = office(replace(workshop, tools=tools), *calls)
    session = first.create().id
    asked = first.send(session, "Notify mdl_0a1b2c, publish mdl_1.").approval
    assert asked is not None
    with pytest.raises(KeyboardInterrupt):
        first.approve(session, asked.approval, Decision(approve=True))
    office(workshop, say("Done.")).resume(session)
    rested = [(entry.tool, entry.approval) for entry in entries(workshop, "begun")]
    notified = ("notify", asked.approval)
    assert rested == ([notified, notified] if breaks == "notify" else [notified, ("publish", ""), ("publish", "")])


def test_a_yes_to_a_plan_and_to_each_step_of_it(home: Path, saver: Saver, rows: Path) -> None:
    workshop = plan_workshop(home)
    goal = "predict y, answer in 5 ms, then promote it and watch it daily"
    asked = RunRequest(goal=goal, data=str(rows), target="y", max_models=1, models=("linear",))
    plan = plan_run(workshop, PLANNER, saver, asked, "run_1", keep=True)
    found = approve_run(workshop, PLANNER, saver, "run_1", PlanDecision(approve=True, hash=plan.hash))
    tokens = []
    while isinstance(found, Waiting):
        assert found.step is not None
        tokens.append(found.step.token)
        shown = found.step.model_dump(include={"hash", "step", "token"})
        found = approve_run(workshop, PLANNER, saver, "run_1", StepDecision.model_validate({"approve": True, **shown}))
    of_plan, *of_steps = entries(workshop, "approval")
    assert (of_plan.id, dict(of_plan.about)) == (plan.hash, {"run": "run_1", "plan": plan.hash})
    assert [entry.id for entry in of_steps] == tokens != []
    assert {entry.about["run"] for entry in of_steps} == {"run_1"}
    rested = {entry.tool: entry.approval for entry in entries(workshop, "begun")}
    assert {entry.tool: entry.id for entry in of_steps} == rested


@pytest.mark.parametrize("to_all", [True, False])
def test_a_yes_to_what_a_monitor_proposes(home: Path, to_all: bool) -> None:
    workshop = watched_workshop(home)
    look_after(workshop, None if to_all else (lambda proposal: True), approve_all=to_all)
    promoted = next(entry for entry in entries(workshop, "begun") if entry.tool == "promote_model")
    approvals = entries(workshop, "approval")
    if to_all:
        assert (approvals, promoted.approval) == ([], BY_REQUEST)
    else:
        assert [(entry.id, entry.decision) for entry in approvals] == [(promoted.approval, True)]
