"""Decisions of the chat model as validated proposals: told what is wrong, a bounded number of times, then the rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from agents.fallback import notice_of
from agents.marked import in_json
from agents.structured import Form, structured
from engine.errors import ProviderFailed
from graphs.events import Emit, TextDelta
from graphs.proving_words import Reasons

NO_PROPOSAL = "no proposal"
"""What a planner without a language model says to a question for which it has no rule of its own."""
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
        return Form(self.tool, self.schema).tool()


def prompt(name: str) -> str:
    """The text of `agents/prompts/<name>.md`."""
    return files("agents").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")


def propose(model: BaseChatModel, question: Question[Proposal], facts: Facts, emit: Emit) -> Proposal:
    """Ask `model` to decide; after three unusable answers, or when it cannot be reached, take the rule and say so.

    Where the model has no opinion, the rule is the answer, and nothing is said of it.
    """
    shown = f"<facts>{in_json(facts)}</facts>"

    def declines(answer: AIMessage) -> bool:
        if notice := notice_of(answer):
            emit(TextDelta(text=f"{notice}\n"))
        return not answer.tool_calls and answer.text.strip().strip(".").lower() == NO_PROPOSAL

    # what our own rule says in words is computed from the facts, thresholds and all
    reasons, by_rule = Reasons(facts), question.rule(facts)

    def wrong(proposal: Proposal) -> str | None:
        return question.check(proposal, facts) or (None if proposal == by_rule else reasons.problem(proposal))

    form = Form(question.tool, question.schema, wrong, declines)
    try:
        proposal = structured(model, form, [SystemMessage(question.prompt()), HumanMessage(shown)])
    except ProviderFailed as error:
        said = f"The proposal of the language model was not used: {error} The rule-based choice is taken.\n"
        emit(TextDelta(text=said))
        proposal = None
    return by_rule if proposal in (None, by_rule) else reasons.proved(proposal)
