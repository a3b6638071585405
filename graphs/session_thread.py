"""The state of one session in the conversation graph: where it stands, and how it is cut back or copied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from graphs.assistant_calls import open_calls
from graphs.events import ApprovalWanted
from graphs.session_types import Tokens

CANCELLED = "No result: the user went on with another message before this call was through."
_END = "stop"
"""The node after which the graph ends whatever the state is: what is written in its name leaves nothing to be run."""

Graph = CompiledStateGraph[Any, Any, Any, Any]


@dataclass(frozen=True)
class Stand:
    """Where a thread stands: `checkpoint` is None before the first step, `unfinished` with steps left to take."""

    checkpoint: str | None
    values: dict[str, Any]
    question: ApprovalWanted | None
    unfinished: bool

    @property
    def messages(self) -> list[BaseMessage]:
        return list(self.values.get("messages", []))

    @property
    def tokens(self) -> Tokens:
        """Of the turn that came last; what stands there before its first step is of the turn before."""
        counted = (self.values.get("tokens") if self.values.get("steps") else None) or {}
        return Tokens(prompt=counted.get("prompt", 0), completion=counted.get("completion", 0))

    def waits_for(self, approval: str) -> bool:
        """Whether this is the question that is open."""
        return self.question is not None and self.question.approval == approval

    @property
    def open_calls(self) -> list[ToolCall]:
        """The calls that nothing has answered."""
        return open_calls(self.messages)


class Thread:
    """One session's states, each under the id of its checkpoint."""

    def __init__(self, graph: Graph, session: str) -> None:
        self._graph, self._session = graph, session

    def config(self, checkpoint: str | None = None) -> RunnableConfig:
        """The configuration that means this thread, as it stands or as it stood."""
        place = {"checkpoint_id": checkpoint, "checkpoint_ns": ""} if checkpoint else {}
        return {"configurable": {"thread_id": self._session, **place}}

    def stand(self, checkpoint: str | None = None) -> Stand:
        """Where the thread stands, or where it stood."""
        found = self._graph.get_state(self.config(checkpoint))
        at = (found.config or {}).get("configurable", {}).get("checkpoint_id")
        return Stand(at, dict(found.values or {}), _question(found), bool(found.next))

    def settle(self) -> None:
        """Answer what is open with a no, so that nothing waits and nothing is left to be run."""
        stand = self.stand()
        if stand.checkpoint is not None and (stand.unfinished or stand.open_calls):
            self._end(self._session, {"messages": cancelled(stand.open_calls)})

    def cut(self, checkpoint: str | None) -> None:
        """Go on from an earlier state (None is the very beginning). What waited there does not wait again."""
        if checkpoint is None:
            self.delete()
            return
        told = cancelled(self.stand(checkpoint).open_calls)
        self._graph.update_state(self.config(checkpoint), {"messages": told}, as_node=_END)

    def copy(self, checkpoint: str | None, session: str) -> None:
        """Begin the thread of `session` with a state of this one."""
        if checkpoint is not None:
            stand = self.stand(checkpoint)
            self._end(session, {**stand.values, "messages": [*stand.messages, *cancelled(stand.open_calls)]})

    def delete(self) -> None:
        """Forget all states."""
        assert isinstance(self._graph.checkpointer, BaseCheckpointSaver)
        self._graph.checkpointer.delete_thread(self._session)

    def _end(self, session: str, values: dict[str, Any]) -> None:
        self._graph.update_state({"configurable": {"thread_id": session}}, values, as_node=_END)


def cancelled(calls: Sequence[ToolCall]) -> list[ToolMessage]:
    """The answers to calls that nobody waits for any more: a model must find one for each call that it made."""
    return [ToolMessage(CANCELLED, tool_call_id=call["id"], name=call["name"], status="error") for call in calls]


def _question(state: StateSnapshot) -> ApprovalWanted | None:
    if not state.interrupts:
        return None
    return ApprovalWanted(approval=state.interrupts[0].id, **state.interrupts[0].value)
