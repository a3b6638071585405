"""The graphs for LangGraph's own tools (`langgraph dev`, Studio), named in langgraph.json.

The server builds these graphs itself, so no composition root can give them a context, and the root stands above this
floor. Each factory therefore takes the home from the run's configuration (`configurable: {"home": PATH}`,
`.millwright` by default) and binds every node to a workshop over it: the offline planner answers, jobs run in the
server's process, and the server brings its own checkpoints. Settings and keys are not read here.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.offline import OfflinePlanner
from engine.data.store import Datasets
from engine.registry import Registry
from graphs.assistant import build_assistant
from graphs.assistant_calls import tool_definitions
from graphs.assistant_types import AssistantContext
from graphs.clock import RunClock
from graphs.documents import search_of
from graphs.monitoring import LoopContext, build_loop
from graphs.pipeline import PipelineContext, build_pipeline
from graphs.proposals import prompt
from graphs.research import ResearchContext, build_research
from graphs.workflow import WorkflowContext, build_workflow
from tools.catalogue import CATALOGUE
from tools.inline import InlineJobs
from tools.monitoring import Monitoring
from tools.workshop import Workshop

HOME = ".millwright"
BUILDERS: Mapping[str, Callable[[], StateGraph[Any, Any, Any, Any]]] = {
    "assistant": build_assistant,
    "workflow": build_workflow,
    "pipeline": build_pipeline,
    "research": build_research,
    "monitoring": build_loop,
}
"""Every graph by its name in langgraph.json, not compiled; docs/graphs.md draws them from here."""


def workflow(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The run. Its input is `{"run": "run_1", "request": {"goal": ..., "data": "sample:churn"}}`."""
    home = _home(config)
    workshop = studio_workshop(home)
    # a thread of the server is a run; there is no one process around it, so its clock counts node by node
    clock = RunClock(home / "studio" / _thread(config) / "clock.json")
    context = WorkflowContext(workshop=workshop, model=OfflinePlanner(), clock=clock)
    return build_workflow(bound_to(context, clock)).compile(name="workflow")


def pipeline(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The pipeline. Its input is `{"run": "run_1", "lineage": ["run_1"], "request": {"data": "sample:churn"}}`."""
    home = _home(config)
    clock = RunClock(home / "studio" / _thread(config) / "clock.json")
    context = PipelineContext(workshop=studio_workshop(home), model=OfflinePlanner(), clock=clock)
    return build_pipeline(bound_to(context, clock)).compile(name="pipeline")


def research(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The research. Its input is `{"run": "run_1", "request": {"question": ..., "data": "sample:churn"}}`."""
    home = _home(config)
    clock = RunClock(home / "studio" / _thread(config) / "clock.json")
    workshop = studio_workshop(home)
    context = ResearchContext(workshop=workshop, model=OfflinePlanner(), clock=clock, search=search_of(home))
    return build_research(bound_to(context, clock)).compile(name="research")


def assistant(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The conversation. Its input is `{"messages": [...]}`."""
    workshop = studio_workshop(_home(config))
    model = OfflinePlanner().bind_tools(tool_definitions(list(workshop.tools.values())))
    context = AssistantContext(workshop=workshop, model=model, system=prompt("assistant"), thread=_thread(config))
    return build_assistant(bound_to(context)).compile(name="assistant")


def monitoring(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The loop. Its input is `{"loop": "loop_1", "request": {"monitor": "mon_..."}}`."""
    context = LoopContext(workshop=studio_workshop(_home(config)))
    return build_loop(bound_to(context)).compile(name="monitoring")


def studio_workshop(home: Path) -> Workshop:
    """A workshop over `home` with its defaults."""
    return Workshop(
        home=home,
        datasets=Datasets(home / "datasets"),
        registry=Registry(home),
        tools=CATALOGUE,
        jobs=InlineJobs(home, lambda: studio_workshop(home)),
        now=lambda: datetime.now(UTC),
        monitoring=Monitoring(home, lambda: datetime.now(UTC)),
    )


def bound_to(context: object, during: AbstractContextManager[object] | None = None) -> Callable[[Any], Any]:
    """A binding for `build_workflow` and `build_assistant`: nodes and routes get `context` and run inside `during`."""

    def bind(node: Callable[[Any, Runtime[Any]], Any]) -> Callable[[Any, Runtime[Any]], Any]:
        @wraps(node)
        def with_context(state: Any, runtime: Runtime[Any]) -> Any:  # noqa: ANN401  whatever the node takes
            with during or nullcontext():
                return node(state, runtime.override(context=context))

        # LangGraph reads the signature to know that a runtime is wanted
        with_context.__signature__ = inspect.signature(node)  # type: ignore[attr-defined]
        return with_context

    return bind


def _home(config: RunnableConfig) -> Path:
    return Path(str(config.get("configurable", {}).get("home", HOME))).resolve()


def _thread(config: RunnableConfig) -> str:
    return Path(str(config.get("configurable", {}).get("thread_id", "studio"))).name
