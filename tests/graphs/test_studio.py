"""langgraph.json names factories that a server can load by module name and run with nothing but a configuration."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

ROOT = Path(__file__).resolve().parents[2]


def load(name: str, home: Path) -> Any:
    module, _, factory = json.loads((ROOT / "langgraph.json").read_text())["graphs"][name].partition(":")
    return getattr(importlib.import_module(module), factory)({"configurable": {"home": str(home), "thread_id": "t"}})


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("workflow", {"analyse", "plan", "approve", "select", "train", "evaluate", "tune", "report"}),
        ("pipeline", {"load", "preprocess", "train", "validate"}),
        ("research", {"prepare", "supervise", "ask", "look", "draft", "code", "review", "finish"}),
        ("assistant", {"think", "approve", "act", "stop"}),
        ("monitoring", {"detect", "diagnose", "decide", "retrain", "gate", "approve", "promote", "roll_back", "tell"}),
    ],
)
def test_a_named_graph_is_loaded_and_drawn(name: str, nodes: set[str], home: Path) -> None:
    drawn = load(name, home).get_graph()
    assert nodes <= set(drawn.nodes)


def test_every_graph_is_named_and_can_be_loaded() -> None:
    from graphs.studio import BUILDERS

    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]
    assert named == {name: f"graphs.studio:{name}" for name in BUILDERS}


def test_the_assistant_answers_offline(home: Path) -> None:
    state = load("assistant", home).invoke({"messages": [HumanMessage("what can you do?")]})
    assert state["messages"][-1].type == "ai"
    assert state["messages"][-1].text
