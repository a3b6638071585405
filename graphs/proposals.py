"""Decisions of the chat model as validated proposals: told what is wrong, a bounded number of times, then the rule."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, ValidationError

from engine.errors import ProviderFailed
from graphs.events import Emit, TextDelta

TRIES = 3
Facts = Mapping[str, object]
Proposal = TypeVar("Proposal", bound=BaseModel)


@dataclass(frozen=True)
class Question(Generic[Proposal]):
    """One kind of decision.

    Args:
        tool: the name of the tool by which the model answers; `agents/prompts/<tool>.md` says what is asked.
        schema: what a proposal looks like.
        check: what is wrong with a well-formed proposal, given the facts; None when nothing is.
        rule: the choice taken when the model gives no usable one.
    """

    tool: str
    schema: type[Proposal]
    check: Callable[[Proposal, Facts], str | None]
    rule: Callable[[Facts], Proposal]

    def prompt(self) -> str:
        return prompt(self.tool)

    def definition(self) -> dict[str, object]:
        """The tool as a chat model is told of it."""
        function = {
            "name": self.tool,
            "description": (self.schema.__doc__ or self.tool).strip(),
            "parameters": self.schema.model_json_schema(),
        }
        return {"type": "function", "function": function}


def prompt(name: str) -> str:
    """The text of `agents/prompts/<name>.md`."""
    return files("agents").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")


def propose(model: BaseChatModel, question: Question[Proposal], facts: Facts, emit: Emit) -> Proposal:
    """Ask `model` to decide; after three unusable answers, or when it cannot be reached, take the rule and say so."""
    bound = model.bind_tools([question.definition()])
    shown = f"<facts>{json.dumps(facts, ensure_ascii=False)}</facts>"
    messages: list[BaseMessage] = [SystemMessage(question.prompt()), HumanMessage(shown)]
    problem = ""
    for _ in range(TRIES):
        try:
            answer = bound.invoke(messages)
        except ProviderFailed as error:
            problem = str(error)
            break
        proposal, problem = _read(answer, question, facts)
        if proposal is not None:
            return proposal
        messages += _told(answer, problem)
    choice = question.rule(facts)
    emit(
        TextDelta(text=f"The proposal of the language model was not used: {problem} The rule-based choice is taken.\n")
    )
    return choice


def _read(answer: AIMessage, question: Question[Proposal], facts: Facts) -> tuple[Proposal | None, str]:
    calls = [call for call in answer.tool_calls if call["name"] == question.tool]
    if answer.invalid_tool_calls:
        return None, "The arguments of the call are not valid JSON."
    if len(calls) != 1 or len(answer.tool_calls) != 1:
        return None, f"Answer with exactly one call of {question.tool}."
    try:
        proposal = question.schema.model_validate(calls[0]["args"])
    except ValidationError as error:
        return None, _in_words(error)
    wrong = question.check(proposal, facts)
    return (None, wrong) if wrong else (proposal, "")


def _told(answer: AIMessage, problem: str) -> list[BaseMessage]:
    # every call needs an answer, and arguments that cannot be read must not be sent back to an endpoint
    kept = AIMessage(content=answer.content or ("" if answer.tool_calls else "(no usable answer)"))
    kept.tool_calls = answer.tool_calls
    if not answer.tool_calls:
        return [kept, HumanMessage(problem)]
    return [kept, *(ToolMessage(problem, tool_call_id=call["id"], status="error") for call in answer.tool_calls)]


def _in_words(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return f"The proposal does not fit: {'; '.join(problems)}."
