"""What the assistant keeps, and what it is given anew each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import Runnable
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict

from agents.memory import MemorySettings
from agents.tokens import ESTIMATE, TokenCounter
from graphs.events import Emit, unheard
from tools.workshop import Workshop

MAX_STEPS = 24
"""Answers of the model in one turn."""
USUAL_MEMORY = MemorySettings()
APPROVAL_EFFECTS = frozenset({"write", "external"})

ChatModel = Runnable[LanguageModelInput, AIMessage]


class Usage(TypedDict):
    """Tokens of a turn: as the endpoint reports them, else counted."""

    prompt: int
    completion: int


def nothing_remembered(question: str) -> Sequence[str]:
    """The long-term store that holds nothing."""
    return ()


class AssistantState(TypedDict, total=False):
    """`steps`, `wasted` and `tokens` count in this turn; `approved` holds the marks of calls that the user said yes to.

    `digest` is what the turns that are no longer shown amount to (agents.memory_digest.Digest as JSON).
    """

    messages: Annotated[list[AnyMessage], add_messages]
    steps: int
    wasted: int
    approved: list[str]
    digest: dict[str, Any]
    tokens: Usage


@dataclass(frozen=True)
class AssistantContext:
    """`model` has the tools bound; `thread` names the conversation in the ids of jobs.

    `memory` says what the model is shown of the conversation, `count` how its tokens are counted, and `recall` gives
    facts of other conversations that bear on a question.
    """

    workshop: Workshop
    model: ChatModel
    system: str
    thread: str
    emit: Emit = unheard
    ask: frozenset[str] = APPROVAL_EFFECTS
    max_steps: int = MAX_STEPS
    memory: MemorySettings = USUAL_MEMORY
    count: TokenCounter = ESTIMATE
    recall: Callable[[str], Sequence[str]] = nothing_remembered


class Decision(BaseModel):
    """What a person says to a call that needs approval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: bool
    reason: str = ""
