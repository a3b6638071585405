"""A desk whose planner may also plan, research, take notes, test and deploy; each tool answers with its result type."""

from collections.abc import Callable, Mapping

from langchain_core.messages import ToolMessage

from agents.offline import OfflinePlanner
from agents.plan import PlanRow
from engine.qa.check import Check
from graphs.plan_types import PlanRun, PlanShown
from graphs.research_types import ReportedFinding, ResearchSummary
from graphs.run_types import StepWaiting
from tests.agents.conftest import TOOLS, Desk
from tools.remembering import Forgotten, MemoryLine, MemoryList, Remembered
from tools.spec import ToolResult
from tools.testing import ModelTest

PLAN, HASH, TOKEN = "plan_1b2d4e3f9a0c", "a" * 64, "b" * 32


def row(number: int, tool: str, waits: bool = False) -> PlanRow:
    return PlanRow(
        number=number,
        id=f"s{number}",
        tool=tool,
        arguments="{}",
        effect="write" if waits else "compute",
        waits=waits,
        seconds=12.5,
        memory_mb=300.0,
        tokens=None,
        money=None,
        why=f"because of {tool}",
    )


WAITS = StepWaiting(
    step="s2", tool="promote_model", arguments={}, why="It changes the champion.", hash=HASH, token=TOKEN
)
NOTE = MemoryLine(
    id="mem_1", text="I prefer recall", kind="preference", about=None, source="user", created="2026-01-01", told=0
)
OTHER = NOTE.model_copy(update={"id": "mem_2", "text": "tenure is in months", "kind": "fact"})


def shown(_: Mapping[str, object]) -> ToolResult:
    return PlanShown(
        plan=PLAN,
        run="run_1",
        goal="predict churn",
        state="proposed",
        hash=HASH,
        rows=(row(1, "train_model"), row(2, "promote_model", True)),
        mermaid="",
        seconds=25.0,
        memory_mb=300.0,
        tokens=None,
        money=None,
        findings=(),
        hashes=(HASH,),
    )


def ran(_: Mapping[str, object]) -> ToolResult:
    return PlanRun(plan=PLAN, run="run_1", state="running", hash=HASH, model="mdl_1", waits_for=WAITS)


def researched(arguments: Mapping[str, object]) -> ToolResult:
    return ResearchSummary(
        run="run_3",
        question=str(arguments["question"]),
        dataset=None,
        model=None,
        findings=(ReportedFinding(text="Class weights help where one class is rare.", receipts=()),),
        claims_checked=3,
        claims_struck=1,
        sent_back=0,
        documents=False,
        sources=(),
        report="r.md",
        script="s.py",
        notebook="n.ipynb",
        ended="reviewed",
        steps=4,
        seconds=1.0,
    )


def model_test(arguments: Mapping[str, object]) -> ToolResult:
    good = Check(id="a", name="Missing values", status="passed", detail="All rows are answered.")
    bad = Check(id="b", name="Unknown category", status="failed", detail="4 of 12 rows are refused.")
    return ModelTest(
        model=str(arguments["model"]),
        name="telco-Churn",
        passed=False,
        checks=(good, bad),
        requirements=(),
        rows=512,
        seconds=2.0,
        summary="1 of 2 checks failed.",
        created="2026-01-01",
        file="qa/mdl_1.json",
    )


WORK: Mapping[str, Callable[[Mapping[str, object]], ToolResult]] = {
    "make_plan": shown,
    "edit_plan": shown,
    "show_plan": shown,
    "run_plan": ran,
    "approve_step": ran,
    "research": researched,
    "remember": lambda arguments: Remembered(memory=NOTE.model_copy(update={"text": str(arguments["text"])})),
    "list_memories": lambda _: MemoryList(memories=(NOTE, OTHER), kept=2, file="memories.json"),
    "forget": lambda _: Forgotten(forgotten=(NOTE,), kept=1),
    "test_model": model_test,
}


class WorkingDesk(Desk):
    """A conversation in which those tools are offered too."""

    def __init__(self, *, by_meaning: bool = False) -> None:
        super().__init__()
        definitions = [
            {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
            for name in (*TOOLS, *WORK)
        ]
        self.planner = OfflinePlanner(by_meaning=by_meaning).bind_tools(definitions)

    def _answer(self, tool: str, arguments: dict[str, object], call: str) -> ToolMessage:
        if tool not in WORK:
            return super()._answer(tool, arguments, call)
        return ToolMessage(WORK[tool](arguments).model_dump_json(), tool_call_id=call, name=tool)
