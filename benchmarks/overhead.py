"""What one turn of the assistant costs beside the model and the tool: ms per turn, against a bare LangGraph loop.

Both get the same scripted model and the same trivial tool; one turn is: a question, one call, an answer. The bare loop
is a model node and a tool node and nothing else: no approval, no events, no journal, no lease, no bounds.

    python benchmarks/overhead.py [--rounds 7] [--turns 20]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import Field

from agents.scripted import ScriptedModel, call, say
from engine.data.store import Datasets
from engine.registry import Registry
from graphs.assistant_calls import tool_definitions
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tools.inline import InlineJobs
from tools.monitoring import Monitoring
from tools.spec import Estimate, ToolRequest, ToolResult, ToolSpec
from tools.workshop import Workshop


class AddRequest(ToolRequest):
    """Add two numbers."""

    a: float = Field(description="First.")
    b: float = Field(description="Second.")


class Sum(ToolResult):
    value: float


ADD = ToolSpec(
    name="add",
    description="Add two numbers.",
    request=AddRequest,
    result=Sum,
    function=lambda workshop, request: Sum(value=request.a + request.b),
    effect="read",
    estimate=lambda workshop, request: Estimate(seconds=0.0, memory_mb=0.0),
)
Turn = Callable[[], None]


def script(turns: int) -> ScriptedModel:
    """A model that calls the tool and then answers, `turns` times."""
    return ScriptedModel(script=[call("add", a=1, b=2), say("It is three.")] * turns)


def workshop_in(home: Path) -> Workshop:
    return Workshop(
        home=home,
        datasets=Datasets(home / "datasets"),
        registry=Registry(home),
        tools={"add": ADD},
        jobs=InlineJobs(home, lambda: workshop_in(home)),
        now=lambda: datetime.now(UTC),
        monitoring=Monitoring(home, lambda: datetime.now(UTC)),
    )


def assistant_turn(home: Path, saver: BaseCheckpointSaver[Any], turns: int) -> Turn:
    sessions = Sessions(workshop_in(home), script(turns), saver)
    session = sessions.create().id
    return lambda: _check(sessions.send(session, "1 + 2?").text)


def bare_turn(home: Path, saver: BaseCheckpointSaver[Any], turns: int) -> Turn:
    model = script(turns).bind_tools(tool_definitions([ADD]))

    def think(state: MessagesState) -> dict[str, object]:
        return {"messages": [model.invoke(state["messages"])]}

    def act(state: MessagesState) -> dict[str, object]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        wanted = last.tool_calls[0]
        return {"messages": [ToolMessage(str(wanted["args"]["a"] + wanted["args"]["b"]), tool_call_id=wanted["id"])]}

    def route(state: MessagesState) -> str:
        last = state["messages"][-1]
        return "act" if isinstance(last, AIMessage) and last.tool_calls else END

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", route, ["act", END])
    graph.add_edge("act", "think")
    compiled = graph.compile(checkpointer=saver)

    def turn() -> None:
        state = compiled.invoke(
            {"messages": [HumanMessage("1 + 2?")]}, {"configurable": {"thread_id": "bare"}}, durability="sync"
        )
        _check(state["messages"][-1].text)

    return turn


def _check(text: str) -> None:
    if text != "It is three.":
        raise SystemExit(f"a turn went wrong: {text!r}")


@contextmanager
def saver_in(kind: str, home: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        with open_saver(home) as saver:
            yield saver


def milliseconds(make: Callable[[Path, BaseCheckpointSaver[Any], int], Turn], kind: str, turns: int) -> float:
    """Median of one turn in a fresh home, after one turn to warm up."""
    with tempfile.TemporaryDirectory() as folder, saver_in(kind, Path(folder)) as saver:
        turn = make(Path(folder), saver, turns + 1)
        turn()
        seconds = [_timed(turn) for _ in range(turns)]
    return 1000 * statistics.median(seconds)


def _timed(turn: Turn) -> float:
    start = time.perf_counter()
    turn()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds; the two kinds alternate within each")
    parser.add_argument("--turns", type=int, default=20, help="turns per round, in one session")
    asked = parser.parse_args()
    print(f"one turn (question, one call, answer), median of {asked.rounds} rounds of {asked.turns} turns\n")
    print("saver     assistant    bare loop    ratio    difference")
    for kind in ("memory", "sqlite"):
        # interleaved, so that a machine that grows busy slows both alike
        pairs = [
            (milliseconds(assistant_turn, kind, asked.turns), milliseconds(bare_turn, kind, asked.turns))
            for _ in range(asked.rounds)
        ]
        ours, bare = (statistics.median(values) for values in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"{kind:8}  {ours:6.1f} ms    {bare:6.1f} ms    {ratio:5.2f}    {ours - bare:+6.1f} ms")


if __name__ == "__main__":
    main()
