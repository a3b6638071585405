"""A chat model around a chat model that spends from the purse in force: tokens and money are held before each answer.

What is held is the prompt as it is counted, tool definitions included, and the largest answer there is room for. An
answer that outgrows it is stopped; what was used, by failed requests too, is settled as the endpoint tells it, else as
it is counted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents.budget import NOTHING, Price, Spent
from agents.budget_purse import Hold, Purse, current
from agents.strict_calls import AnswerCut
from agents.tokens import CALL_TOKENS, ESTIMATE, TokenCounter, answer_tokens, definitions_tokens, messages_tokens
from agents.underway import counted, counted_by

MAX_ANSWER = 4_096
"""Tokens of the largest answer, where no setting says so."""
LEAST_ANSWER = 16
"""Tokens that there must be room for: with less an answer is not begun."""
MORE = 256
"""Tokens that are held on top when an answer grows beyond what was held."""
Tools = Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool]


class MeteredWhole(BaseChatModel):
    """`inner`, metered. Made by `metered`.

    Attributes:
        purse: charged where no other purse is in force; without one nothing is metered.
        price: what the tokens cost; None is nothing.
        largest: tokens of the largest answer.
        cap: the name by which `inner` is told of a smaller largest answer; None where it knows no such thing.
        definitions: tokens of the tools that are bound; `within` says that `inner` holds them itself.
    """

    inner: BaseChatModel
    purse: Any = None
    price: Price | None = None
    count: Any = ESTIMATE
    largest: int = MAX_ANSWER
    cap: str | None = None
    definitions: int = 0
    within: bool = False

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return dict(self.inner._identifying_params)

    def bind_tools(
        self, tools: Tools, *, tool_choice: str | None = None, **kwargs: object
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind as `inner` does, then send its arguments through this model."""
        options: dict[str, Any] = dict(kwargs) if tool_choice is None else {**kwargs, "tool_choice": tool_choice}
        bound = self.inner.bind_tools(tools, **options)
        known = definitions_tokens(self.count, [convert_to_openai_tool(tool) for tool in tools])
        if not isinstance(bound, RunnableBinding):
            return self.model_copy(update={"inner": bound, "definitions": known, "within": True})
        return self.model_copy(update={"definitions": known}).bind(**bound.kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401  as the inner model takes them
    ) -> ChatResult:
        bill = self._bill(messages, kwargs)
        if bill is None:
            return self.inner._generate(messages, stop, run_manager, **kwargs)
        with bill:
            with counted_by(bill):
                result = self.inner._generate(messages, stop, run_manager, **bill.capped(kwargs))
            if not bill.followed:
                bill.take_whole(result)
        return result

    def _bill(self, messages: Sequence[BaseMessage], kwargs: dict[str, Any]) -> "Bill | None":
        purse: Purse | None = current() or self.purse
        if purse is None:
            return None
        tools = self.definitions if self.within or kwargs.get("tools") else 0
        return Bill(purse, self.price, self.count, messages, tools, self.largest, self.cap)


class MeteredChat(MeteredWhole):
    """The same around a model that can stream."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401  as the inner model takes them
    ) -> Iterator[ChatGenerationChunk]:
        bill = self._bill(messages, kwargs)
        if bill is None:
            yield from self.inner._stream(messages, stop, None, **kwargs)
            return
        with bill:
            for chunk in counted(bill, self.inner._stream(messages, stop, None, **bill.capped(kwargs))):
                if not bill.followed:
                    bill.take(chunk.message)
                yield chunk


@dataclass
class _Answer:
    """What has come of one request. `size` is more tokens than any counter makes of it; at `told_at` usage was told."""

    begun: bool = False
    prompt: int = 0
    completion: int = 0
    text: list[str] = field(default_factory=list)
    calls: dict[object, list[str]] = field(default_factory=dict)
    whole: int = 0
    size: float = 0.0
    told_at: float = -1.0

    def add(self, message: BaseMessage) -> None:
        """One more piece."""
        self.begun = True
        text = message.content if isinstance(message.content, str) else str(message.text)
        self.text.append(text)
        self.size += _most_tokens(text)
        if isinstance(message, AIMessageChunk):
            for piece in message.tool_call_chunks:
                parts = [piece["name"] or "", piece["args"] or ""]
                # pieces of one call share its index; one that comes whole may have none
                key = piece["index"] if piece["index"] is not None else len(self.calls)
                self.calls.setdefault(key, []).extend(parts)
                self.size += CALL_TOKENS * bool(parts[0]) + _most_tokens("".join(parts))
        self.hear(message)

    def hear(self, message: BaseMessage) -> None:
        """What the endpoint tells of the tokens: with a prompt it is all so far, without one it is what came since."""
        usage = getattr(message, "usage_metadata", None)
        if not usage:
            return
        prompt, completion = max(0, usage["input_tokens"]), max(0, usage["output_tokens"])
        since = self.prompt > 0 and prompt == 0
        self.completion = self.completion + completion if since else max(self.completion, completion)
        self.prompt = max(self.prompt, prompt)
        self.told_at = self.size


@dataclass
class Bill:
    """What one answer costs, from before it is asked for until it is there, or was given up.

    A model that may ask again says so by `begin`, and tells of all that comes: each request is held and settled for
    itself. Then `followed` is set, and what the model passes on is not counted once more.
    """

    purse: Purse
    price: Price | None
    count: TokenCounter
    messages: Sequence[BaseMessage]
    tools: int
    largest: int
    cap: str | None = None
    followed: bool = False
    room: int = field(init=False)
    _hold: Hold | None = None
    _answer: _Answer = field(default_factory=_Answer)
    _look_at: float = float("inf")

    def __enter__(self) -> "Bill":
        """Hold the prompt and room for the answer.

        Raises:
            BudgetSpent: there is no room for the prompt and a short answer.
        """
        self._open()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Settle. An answer that failed before its first piece is taken to have cost nothing.

        Raises:
            BudgetSpent: in the place of an error that says that the answer was cut, where it was cut by the budget.
        """
        used = self._settle(whole=error is None)
        cut = isinstance(error, AnswerCut) and self.purse.limited and self.room < self.largest
        if cut and used.completion >= self.room:
            # says whose budget it was, where it has no room for a whole answer
            self.purse.hold(self._priced(0, self.largest)).settle()

    def begin(self, options: dict[str, Any]) -> dict[str, Any]:
        """A request is about to be made. What a failed one before it used is settled, and room is held anew.

        Raises:
            BudgetSpent: there is no room for another one.
        """
        if self.followed:
            self._settle(whole=False)
            self._open()
        self.followed = True
        return self.capped(options)

    def capped(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options with the largest answer, as the model is told of it; without a limit as they are."""
        return {**options, self.cap: self.room} if self.cap and self.purse.limited else options

    def take(self, message: BaseMessage) -> None:
        """One piece of the answer.

        Raises:
            BudgetSpent: the answer has outgrown what there is, or its time is up.
        """
        self._answer.add(message)
        self.purse.check()
        if self._answer.size > self._look_at:
            self._look()

    def take_whole(self, result: ChatResult) -> None:
        """An answer that came in one piece.

        Raises:
            BudgetSpent: it is longer than there is room for, from a server that heeds no bound.
        """
        answer = self._answer
        answer.begun = True
        for generation in result.generations:
            message = generation.message
            if not isinstance(message, AIMessage):
                continue
            answer.hear(message)
            if not (message.usage_metadata and message.usage_metadata["output_tokens"]):
                answer.whole += answer_tokens(self.count, message)
        over = (answer.completion or answer.whole) - self.room
        if self.purse.limited and over > 0:
            self._more(over)

    def _open(self) -> None:
        """Make ready for a request: nothing has come of it, and there is room for its answer."""
        self._answer = _Answer()
        if not self.purse.limited:
            self._hold, self.room = self.purse.hold(NOTHING), self.largest
            return
        prompt = self._prompt()
        least = self._priced(prompt, min(LEAST_ANSWER, self.largest))
        self._hold = self.purse.hold(least, self._priced(prompt, self.largest))
        self._look_at = self.room = self._hold.held.completion

    def _settle(self, whole: bool) -> Spent:
        """Settle the request, unless that is done, and say what it used."""
        used = self._used(whole)
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.settle(used)
        return used

    def _more(self, tokens: int) -> None:
        assert self._hold is not None
        self._hold.extend(self._priced(0, tokens))
        self.room += tokens

    def _look(self) -> None:
        """Count the answer, and hold more for it where it is longer than what is held. This is only done where it may
        be: no counter makes more tokens of a text than `_most_tokens` does, which costs next to nothing.
        """
        tokens = self._answered()
        while tokens > self.room:
            self._more(MORE)
        self._look_at = self._answer.size + (self.room - tokens)

    def _used(self, whole: bool) -> Spent:
        """What the endpoint says at the end of a `whole` answer. Of another it may have said too little, so no less
        than is counted; of one that was stopped that is what there was room for: the endpoint had been told of it.
        """
        answer = self._answer
        if not answer.begun:
            return NOTHING
        if whole and answer.completion and answer.told_at == answer.size:
            completion = answer.completion
        else:
            tokens = self._answered()
            completion = max(answer.completion, min(tokens, self.room) if self.purse.limited else tokens)
        return self._priced(answer.prompt or self._prompt(), completion)

    def _answered(self) -> int:
        answer = self._answer
        calls = sum(CALL_TOKENS + self.count.text("".join(parts)) for parts in answer.calls.values())
        return answer.whole + self.count.text("".join(answer.text)) + calls

    def _prompt(self) -> int:
        return messages_tokens(self.count, self.messages) + self.tools

    def _priced(self, prompt: int, completion: int) -> Spent:
        tokens = Spent(prompt=prompt, completion=completion)
        return tokens if self.price is None else tokens.model_copy(update={"money": self.price.of(tokens)})


def _most_tokens(text: str) -> float:
    """More tokens than any counter makes of a text: one for each of its bytes, and a little."""
    return 1.1 * (len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))


def metered(
    model: BaseChatModel,
    *,
    purse: Purse | None = None,
    price: Price | None = None,
    count: TokenCounter = ESTIMATE,
    largest: int | None = None,
    cap: str | None = None,
) -> BaseChatModel:
    """The model, metered; one that is metered already, and the offline planner, which costs nothing, as they are."""
    from agents.offline import OfflinePlanner

    if isinstance(model, OfflinePlanner):
        return model if purse is None else model.model_copy(update={"purse": purse})
    if isinstance(model, MeteredWhole):
        return model
    streams = type(model)._stream is not BaseChatModel._stream
    kind = MeteredChat if streams else MeteredWhole
    return kind(inner=model, purse=purse, price=price, count=count, largest=largest or MAX_ANSWER, cap=cap)
