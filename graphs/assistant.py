"""Chat with tools: think -> (approve) -> act -> think ... until the model has nothing left to call.

State is what must survive a restart; context is what is given anew each time. One call is answered per step, so a
crash repeats at most the call it fell into, and that call finds its job. No message is ever deleted: memory decides
what the model is shown of them.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agents.marked import error_for_a_model, own_words, without_keys
from agents.repeats import done_in, loop_in, noted, repeats_in, unreadable
from engine.errors import Fixable, ProviderFailed
from graphs.assistant_answer import answered
from graphs.assistant_calls import approval_mark, call_name, next_call, open_calls, repaired
from graphs.assistant_types import AssistantContext, AssistantState, Decision
from graphs.calls import use_tool
from graphs.events import TextDelta
from graphs.taint import needs_yes, unbidden

MAX_WASTED = 3
"""Answers in a row that hold nothing usable: neither text nor one readable call."""
MOST_CALLS = 16
"""Calls of one answer that are carried out; the others are answered as not run."""

UNBIDDEN = "Text from data or documents is in this conversation and may have asked for it; your own words did not."
TOO_MANY = f"Not run: of one answer at most {MOST_CALLS} calls are carried out. Look at their results before the next."
NOT_RUN = "Not run: the turn was ended, as calls of it were repeated."
_WHY = {
    "read": "reads from an address",
    "compute": "reads from an address",
    "write": "changes something others use",
    "external": "acts outside this machine",
}

# nodes


def think(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Let the model answer; calls that cannot be read are answered at once and never run."""
    context = runtime.context
    answer, digest, used = answered(state, context)
    broken = repaired(answer)
    useful = bool(answer.tool_calls or answer.text.strip())
    wasted = 0 if useful else state.get("wasted", 0) + 1
    if wasted >= MAX_WASTED:
        raise ProviderFailed(
            f"The language model gave {wasted} answers in a row that cannot be used.",
            "Say it in other words, or use another model.",
        )
    kept = {"steps": state.get("steps", 0) + 1, "wasted": wasted, "digest": digest, "tokens": used}
    over = [(call, TOO_MANY) for call in answer.tool_calls[MOST_CALLS:]]
    if not (broken or over):
        return {"messages": [answer] if useful else [], **kept}
    calls = [*answer.tool_calls, *(call for call, _ in broken)]
    told = [unreadable(own_words(why, call["id"])) for call, why in (*over, *broken)]
    return {"messages": [AIMessage(content=answer.content, tool_calls=calls), *told], **kept}


def approve(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Wait for a person. Nothing stands before the interrupt: this node runs again from its top when it is answered."""
    call = next_call(state["messages"])
    assert call is not None, "the routes lead here only with a call open"
    tools, recall = runtime.context.workshop.tools, runtime.context.recall
    effect = tools[call["name"]].effect
    why = f"{call['name']} {_WHY[effect]}."
    if unbidden(tools, state["messages"], call, recall):
        told = {"tainted": True, "why": f"{why} {UNBIDDEN}"}
    else:
        told = {"why": why}
    answer: Any = interrupt({"tool": call["name"], "arguments": call["args"], **told})
    decision = Decision.model_validate(answer)
    if decision.approve:
        mark = approval_mark(runtime.context.thread, state["messages"], call)
        return {"approved": [*state.get("approved", []), mark]}
    declined = f"The user declined this call. {decision.reason}".strip()
    return {"messages": [own_words(declined, call["id"])]}


def act(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Answer the first open call. A Fixable goes back to the model; any other error ends the turn."""
    context, messages = runtime.context, state["messages"]
    call = next_call(messages)
    assert call is not None, "the routes lead here only with a call open"
    name = call_name(context.thread, messages, call)
    try:
        result = use_tool(context.workshop, call["name"], call["args"], call=name, show=call["id"], emit=context.emit)
    except Fixable as error:
        told = error_for_a_model(str(error), context.workshop.home, call["args"])
        answer = ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")
        return {"messages": [noted(answer, messages, call, error.code)]}
    told = without_keys(result.model_dump_json())
    return {"messages": [noted(ToolMessage(told, tool_call_id=call["id"], name=call["name"]), messages, call)]}


def stop(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """End a turn that goes round in circles or has used up its steps, in words; what is still open is not run."""
    messages = state["messages"]
    loop = loop_in(messages)
    why = f": {loop}" if loop else f" after {state['steps']} steps without coming to an end."
    text = f"I stopped{why} {done_in(messages)} Tell me how to go on."
    runtime.context.emit(TextDelta(text=text))
    left = [own_words(NOT_RUN, call["id"]) for call in open_calls(messages)]
    return {"messages": [*left, AIMessage(text)]}


# routes

Next = Literal["think", "approve", "act", "stop", "__end__"]


def route(state: AssistantState, runtime: Runtime[AssistantContext]) -> Next:
    """The next open call decides; with none open, an answer in words ends the turn."""
    context, messages = runtime.context, state["messages"]
    call = next_call(messages)
    if call is not None:
        if repeats_in(messages):
            return "stop"
        if not needs_yes(context.workshop.tools, context.ask, messages, call, context.recall):
            return "act"
        mark = approval_mark(context.thread, messages, call)
        return "act" if mark in state.get("approved", []) else "approve"
    last = messages[-1]
    if isinstance(last, AIMessage) and not last.tool_calls:
        return "__end__"
    return "stop" if state.get("steps", 0) >= context.max_steps or loop_in(messages) else "think"


Anything = TypeVar("Anything")


def as_it_is(node: Anything) -> Anything:
    """The binding that changes nothing."""
    return node


def build_assistant(bind: Callable[[Any], Any] = as_it_is) -> StateGraph[AssistantState, AssistantContext]:
    """The graph, not compiled. `bind` wraps each node and route (the studio gives them their context that way)."""
    graph: StateGraph[AssistantState, AssistantContext] = StateGraph(AssistantState, context_schema=AssistantContext)
    for node in (think, approve, act, stop):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "think")
    for name in ("think", "approve", "act"):
        graph.add_conditional_edges(name, bind(route), ["think", "approve", "act", "stop", END])
    graph.add_edge("stop", END)
    return graph
