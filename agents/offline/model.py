"""The planner as a chat model: the next message is a function of the messages so far and the tools that are bound."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool

from agents.marked import unmarked
from agents.offline.columns import besides_examples, classifies_examples, find_column, usual_target
from agents.offline.conversation import Json, Known, Turn, may_have_lost, plain, read_turns
from agents.offline.meaning import Meaning, open_meaning
from agents.offline.playing import Move, Play, Question, play
from agents.offline.repertoire import SKILLS
from agents.offline.texts import GREETING
from agents.offline.understanding import understand
from agents.rules import choose_models, next_round
from agents.scripted import PIECE, tool_name

NO_PROPOSAL = "no proposal"
"""Said where one decision is asked for that no rule is known for here: whoever asks takes a rule of its own."""
_PROPOSES = "propose_"
_FACTS = re.compile(r"<facts>(.*)</facts>", re.DOTALL)


def _propose_models(facts: Json) -> Json:
    return choose_models(facts).model_dump(mode="json")


def _propose_round(facts: Json) -> Json:
    return next_round(facts).model_dump(mode="json")


def _propose_target(facts: Json) -> Json:
    goal = str(facts.get("goal", ""))
    left = besides_examples(goal, [str(name) for name in facts.get("columns") or []])
    column = find_column(goal, left).column
    if column is not None:
        return {"column": column, "why": "The goal names it."}
    if classifies_examples(goal) and (usual := usual_target(left)) is not None:
        return {"column": usual, "why": "It is what the others are classified by."}
    return {"column": None, "why": "The goal does not name one column."}


PROPOSALS: dict[str, Callable[[Json], Json]] = {
    "propose_models": _propose_models,
    "propose_round": _propose_round,
    "propose_target": _propose_target,
}
"""Decisions inside a run that are answered by rule, from the facts in the last message of the user."""


class OfflinePlanner(BaseChatModel):
    """Understands the requests that a user of Millwright makes, without a language model.

    It holds no state and never guesses a figure. `offered` are the tools it may call; bind_tools sets them.
    `by_meaning`: where no rule is sure of a message, it is likened to labelled examples, if the weights are there.
    `purse`: who pays for the calls of tools that work with it makes; it costs nothing itself.
    Ids of its calls follow from the conversation, so the same messages give the same call.
    """

    offered: frozenset[str] = frozenset()
    by_meaning: bool = True
    purse: Any = None

    @property
    def _llm_type(self) -> str:
        return "millwright-offline"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **_: object,
    ) -> "OfflinePlanner":
        """A planner that may call `tools`."""
        return self.model_copy(update={"offered": frozenset(tool_name(tool) for tool in tools)})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> ChatResult:
        messages = unmarked(messages)
        move = self._move(messages)
        metadata = {"finish_reason": "tool_calls" if move.tool else "stop"}
        message = AIMessage(content=move.text, tool_calls=_calls(move, messages), response_metadata=metadata)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> Iterator[ChatGenerationChunk]:
        messages = unmarked(messages)
        move = self._move(messages)
        pieces = [AIMessageChunk(content=piece) for piece in PIECE.findall(move.text)]
        whole = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=place)
            for place, call in enumerate(_calls(move, messages))
        ]
        metadata = {"finish_reason": "tool_calls" if move.tool else "stop"}
        last = AIMessageChunk(content="", tool_call_chunks=whole, response_metadata=metadata, chunk_position="last")
        for message in [*pieces, last]:
            yield ChatGenerationChunk(message=message)

    def _move(self, messages: Sequence[BaseMessage]) -> Move:
        proposal = sorted(self.offered & PROPOSALS.keys())
        if proposal:
            return Move(tool=proposal[0], arguments=PROPOSALS[proposal[0]](_facts(messages)))
        if len(self.offered) == 1 and next(iter(self.offered)).startswith(_PROPOSES):
            return Move(text=NO_PROPOSAL)
        return next_move(messages, self.offered, open_meaning() if self.by_meaning else None)


def next_move(messages: Sequence[BaseMessage], offered: frozenset[str], meaning: Meaning | None = None) -> Move:
    """Play the conversation from its beginning; the move of the last turn is the answer."""
    known, question, move = Known(), None, Move(text=GREETING)
    known.worked.lost = may_have_lost(messages)
    for turn in read_turns(messages):
        move, question = _play_turn(turn, known, question, offered, meaning)
    return move


def _play_turn(
    turn: Turn, known: Known, question: Question | None, offered: frozenset[str], meaning: Meaning | None
) -> tuple[Move, Question | None]:
    if not turn.text:
        for done in turn.calls:
            known.learn(done)
        return Move(text=GREETING), None
    requests = understand(turn.text, known, question, meaning)
    state = Play(known, turn, offered)
    move = play(state, requests, SKILLS)
    for done in turn.calls[state.place :]:
        known.learn(done)
    # a question counts only when it was really asked: another model may have spoken in this turn
    asked = move.question if turn.reply == move.text else None
    return move, asked


def _facts(messages: Sequence[BaseMessage]) -> Json:
    for message in reversed(messages):
        found = _FACTS.search(plain(message)) if isinstance(message, HumanMessage) else None
        if found:
            facts = json.loads(found.group(1))
            return facts if isinstance(facts, dict) else {}
    return {}


def _calls(move: Move, messages: Sequence[BaseMessage]) -> list[ToolCall]:
    if move.tool is None:
        return []
    told = [(message.type, plain(message)) for message in messages]
    key = json.dumps([told, move.tool, move.arguments], sort_keys=True, default=str)
    return [ToolCall(name=move.tool, args=move.arguments, id=f"call_{sha256(key.encode()).hexdigest()[:16]}")]
