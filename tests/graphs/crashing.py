"""A run in its own process that can be killed at any place: python -m tests.graphs.crashing HOME DATA RUN [resume]."""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agents.offline import OfflinePlanner
from agents.rules import choose_models, next_round
from engine.errors import BadChoice, Busy, NotFound
from graphs.checkpoints import open_saver
from graphs.events import Emit, Event
from graphs.run_plan import PlanDecision
from graphs.run_types import StepDecision, Waiting
from graphs.runs import RunRequest, approve_run, go_on, plan_run, resume_run, start_run, waiting
from tests.graphs.planshop import plan_workshop
from tests.graphs.smallshop import kill_here, small_workshop
from tools.workshop import Workshop


class Decider(BaseChatModel):
    """Decides by the rules, from the facts alone, so that it can be asked again in another process."""

    place: Path
    _tool: str = PrivateAttr("")

    @property
    def _llm_type(self) -> str:
        return "decider"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> "Decider":
        bound = self.model_copy()
        bound._tool = tools[0]["function"]["name"]
        return bound

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        kill_here(self.place, self._tool)
        found = re.search(r"<facts>(.*)</facts>", str(messages[-1].content), re.DOTALL)
        assert found is not None
        rule = {"propose_models": choose_models, "propose_round": next_round}[self._tool]
        proposal = rule(json.loads(found[1])).model_dump(mode="json")
        call = ToolCall(name=self._tool, args=proposal, id="decision")
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


def killer(workshop: Workshop) -> Emit:
    """A listener at whose word the process dies, e.g. at 'tool_finished round-1': after a tool, before its record."""

    def listen(event: Event) -> None:
        kill_here(workshop.home, f"{event.kind} {getattr(event, 'call', '')}".strip())

    return listen


def main(home: Path, data: str, run: str, *, again: bool) -> None:
    workshop = small_workshop(home)
    model = Decider(place=home)
    request = RunRequest(goal="predict y", data=data, approve_all=True, budget_seconds=30)
    with open_saver(home) as saver:
        if again:
            summary = resume_run(workshop, model, saver, run, emit=killer(workshop))
        else:
            summary = start_run(workshop, model, saver, request, run, emit=killer(workshop))
    sys.stdout.write(summary.model_dump_json())


def with_steps(home: Path, data: str, run: str, move: str) -> int:
    """A run that asks before it promotes: begun ('steps'), gone on with, or answered. 3 says that it waits, 4 that the
    answer came too late."""
    workshop = plan_workshop(home)
    listen, planner = killer(workshop), OfflinePlanner()
    with open_saver(home) as saver:
        try:
            if move == "steps":
                goal = "predict y, answer in 5 ms, explain it, promote it"
                request = RunRequest(goal=goal, data=data, target="y", max_models=1, models=("linear",))
                plan = plan_run(workshop, planner, saver, request, run, keep=True)
                decision = PlanDecision(approve=True, hash=plan.hash)
                found = approve_run(workshop, planner, saver, run, decision, listen)
            elif move == "answer":
                waits = waiting(workshop, saver, run)
                if waits is None or waits.step is None:
                    return 4
                shown = waits.step.model_dump(include={"hash", "step", "token"})
                yes = StepDecision.model_validate({"approve": True, **shown})
                found = approve_run(workshop, planner, saver, run, yes, listen)
            else:
                found = go_on(workshop, planner, saver, run, listen)
        except (Busy, NotFound, BadChoice):
            return 4
    if isinstance(found, Waiting):
        return 3
    sys.stdout.write(found.model_dump_json())
    return 0


def by_eight(home: Path, data: str, run: str) -> None:
    """Eight processes answer at once; says how each ended. Forked here, where nothing runs beside, to be quick."""
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            os._exit(with_steps(home, data, run, "answer"))
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    # on a line of its own, below the summary of the one that carried it out
    sys.stdout.write(f"\n{json.dumps(sorted(codes))}")


if __name__ == "__main__":
    if sys.argv[4:] in ([], ["resume"]):
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], again=sys.argv[4:] == ["resume"])
    elif sys.argv[4:] == ["eight"]:
        by_eight(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    else:
        sys.exit(with_steps(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]))
