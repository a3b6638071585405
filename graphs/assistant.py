"""Chat with tools: think -> (approve) -> act -> think ... until the model has nothing left to call.

State is what must survive a restart; context is what is given anew each time. One call is answered per step, so a
crash repeats at most the call it fell into, and that call finds its job.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, TypeVar

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.runnables import Runnable
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict

from engine.errors import Fixable, ProviderFailed
from graphs.calls import use_tool
from graphs.events import Emit, TextDelta, unheard
from tools.spec import ToolSpec
from tools.workshop import Workshop

MAX_STEPS = 24
"""Answers of the model in one turn."""
MAX_WASTED = 3
"""Answers in a row that hold nothing usable: neither text nor one readable call."""
APPROVAL_EFFECTS = frozenset({"write", "external"})

ChatModel = Runnable[LanguageModelInput, AIMessage]


class AssistantState(TypedDict, total=False):
    """`steps` and `wasted` count in this turn; `approved` holds ids of calls that the user said yes to."""

    messages: Annotated[list[AnyMessage], add_messages]
    steps: int
    wasted: int
    approved: list[str]


@dataclass(frozen=True)
class AssistantContext:
    """`model` has the tools bound; `thread` names the conversation in the ids of jobs."""

    workshop: Workshop
    model: ChatModel
    system: str
    thread: str
    emit: Emit = unheard
    ask: frozenset[str] = APPROVAL_EFFECTS
    max_steps: int = MAX_STEPS


class Decision(BaseModel):
    """What a person says to a call that needs approval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: bool
    reason: str = ""


# nodes


def think(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Let the model answer; calls that cannot be read are answered at once and never run."""
    context = runtime.context
    answer = _stream(context, [SystemMessage(context.system), *state["messages"]])
    broken = _repaired(answer)
    useful = bool(answer.tool_calls or answer.text.strip())
    wasted = 0 if useful else state.get("wasted", 0) + 1
    if wasted >= MAX_WASTED:
        raise ProviderFailed(
            f"The language model gave {wasted} answers in a row that cannot be used.",
            "Say it in other words, or use another model.",
        )
    counts = {"steps": state.get("steps", 0) + 1, "wasted": wasted}
    if not broken:
        return {"messages": [answer] if useful else [], **counts}
    calls = [*answer.tool_calls, *(call for call, _ in broken)]
    told = [ToolMessage(why, tool_call_id=call["id"], status="error") for call, why in broken]
    return {"messages": [AIMessage(content=answer.content, tool_calls=calls), *told], **counts}


def approve(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Wait for a person. Nothing stands before the interrupt: this node runs again from its top when it is answered."""
    call = _next_call(state["messages"])
    assert call is not None, "the routes lead here only with a call open"
    effect = runtime.context.workshop.tools[call["name"]].effect
    why = f"{call['name']} {'changes something others use' if effect == 'write' else 'acts outside this machine'}."
    answer: Any = interrupt({"tool": call["name"], "arguments": call["args"], "why": why})
    decision = Decision.model_validate(answer)
    if decision.approve:
        return {"approved": [*state.get("approved", []), call["id"]]}
    told = f"The user declined this call. {decision.reason}".strip()
    return {"messages": [ToolMessage(told, tool_call_id=call["id"], status="error")]}


def act(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """Answer the first open call. A Fixable goes back to the model; any other error ends the turn."""
    context, messages = runtime.context, state["messages"]
    call = _next_call(messages)
    assert call is not None, "the routes lead here only with a call open"
    name = call_name(context.thread, messages, call)
    try:
        result = use_tool(context.workshop, call["name"], call["args"], call=name, show=call["id"], emit=context.emit)
    except Fixable as error:
        return {"messages": [ToolMessage(str(error), tool_call_id=call["id"], status="error")]}
    return {"messages": [ToolMessage(result.model_dump_json(), tool_call_id=call["id"], name=call["name"])]}


def stop(state: AssistantState, runtime: Runtime[AssistantContext]) -> dict[str, object]:
    """End a turn that has used up its steps, in words."""
    text = f"I stopped after {state['steps']} steps without coming to an end. Tell me how to go on."
    runtime.context.emit(TextDelta(text=text))
    return {"messages": [AIMessage(text)]}


# routes

Next = Literal["think", "approve", "act", "stop", "__end__"]


def route(state: AssistantState, runtime: Runtime[AssistantContext]) -> Next:
    """The next open call decides; with none open, an answer in words ends the turn."""
    context, messages = runtime.context, state["messages"]
    call = _next_call(messages)
    if call is not None:
        spec = context.workshop.tools.get(call["name"])
        risky = spec is not None and spec.effect in context.ask and call["id"] not in state.get("approved", [])
        return "approve" if risky else "act"
    last = messages[-1]
    if isinstance(last, AIMessage) and not last.tool_calls:
        return "__end__"
    return "stop" if state.get("steps", 0) >= context.max_steps else "think"


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


# what the model is told and what it says


def tool_definitions(tools: Sequence[ToolSpec]) -> list[dict[str, object]]:
    """The tools as a chat model is told of them."""
    return [
        {
            "type": "function",
            "function": {
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.request.model_json_schema(),
            },
        }
        for spec in tools
    ]


def call_name(thread: str, messages: Sequence[BaseMessage], call: ToolCall) -> str:
    """What names a call of the last answer for good: the same after a crash, another in another answer."""
    place = max(index for index, message in enumerate(messages) if isinstance(message, AIMessage))
    return f"{thread}/{place}/{call['id']}"


def open_calls(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """The calls of the last answer that nothing has answered yet."""
    answered: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif isinstance(message, AIMessage):
            return [call for call in message.tool_calls if call["id"] not in answered]
        else:
            break
    return []


def _next_call(messages: Sequence[BaseMessage]) -> ToolCall | None:
    return next(iter(open_calls(messages)), None)


def _stream(context: AssistantContext, messages: list[BaseMessage]) -> AIMessage:
    """The model's answer, its words told as they come. Every call gets an id, so that it can be answered."""
    whole: AIMessage | None = None
    for piece in context.model.stream(messages):
        if piece.text:
            context.emit(TextDelta(text=piece.text))
        # a model that cannot stream gives one whole message instead of chunks
        whole = whole + piece if isinstance(whole, AIMessageChunk) and isinstance(piece, AIMessageChunk) else piece
    if whole is None:
        return AIMessage("")
    message = message_chunk_to_message(whole)
    assert isinstance(message, AIMessage)
    calls = [{**call, "id": call["id"] or f"call_{len(messages)}_{n}"} for n, call in enumerate(message.tool_calls)]
    return message.model_copy(update={"tool_calls": calls})


def _repaired(answer: AIMessage) -> list[tuple[ToolCall, str]]:
    """Calls that could not be read, as calls without arguments, each with what is wrong.

    Broken JSON must not stay in the history: an endpoint that is sent it back refuses the whole conversation.
    """
    return [
        (
            ToolCall(name=call["name"] or "unknown", args={}, id=call["id"] or f"unreadable_{place}"),
            "The arguments of this call are not valid JSON; it was not run. Call again with one JSON object.",
        )
        for place, call in enumerate(answer.invalid_tool_calls)
    ]
