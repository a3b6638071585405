"""A typed answer of a chat model, by the way that its endpoint has: a tool call, json_schema, or JSON in plain text.

The first way that works is remembered with the model. An answer that does not fit is told what is wrong with it, a
bounded number of times; nothing is repaired on the model's behalf.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel, ValidationError

from agents.retrying import Bound, bound_by
from agents.strict_calls import strict_object
from agents.strict_dialect import Dialect
from agents.strict_errors import EndpointFailed
from engine.errors import ProviderFailed

TRIES = 3
Way = Literal["tool", "json_schema", "text"]
Answer = TypeVar("Answer", bound=BaseModel)
_SHOWN = 2_000
"""Characters of a wrong answer that its model is shown again."""


class NotStructured(ProviderFailed):
    """The model gave no answer of the form that was asked for; the sentence says what was wrong with the last one."""


def fits(_: BaseModel) -> str | None:
    """The check that finds nothing wrong."""
    return None


def speaks(_: AIMessage) -> bool:
    """The model that always has an opinion."""
    return False


@dataclass(frozen=True)
class Form(Generic[Answer]):
    """What an answer looks like.

    Args:
        name: the name of the tool by which it is given, and of the schema.
        schema: its fields; the docstring tells the model what it is.
        check: what is wrong with a well-formed answer; None when nothing is.
        declines: whether an answer in words says that the model has no opinion.
    """

    name: str
    schema: type[Answer]
    check: Callable[[Answer], str | None] = fits
    declines: Callable[[AIMessage], bool] = speaks

    def tool(self) -> dict[str, object]:
        """The tool as a chat model is told of it."""
        described = (self.schema.__doc__ or self.name).strip()
        function = {"name": self.name, "description": described, "parameters": self.schema.model_json_schema()}
        return {"type": "function", "function": function}

    def response_format(self) -> dict[str, object]:
        """The response format of the OpenAI dialect. Not `strict`, which forbids fields with defaults."""
        return {"type": "json_schema", "json_schema": {"name": self.name, "schema": self.schema.model_json_schema()}}

    def in_words(self) -> str:
        """What is asked of a model that is not told of a tool."""
        schema = json.dumps(self.schema.model_json_schema(), ensure_ascii=False)
        return f"Answer with one JSON object and nothing else. It has to fit this JSON schema: {schema}"


def structured(
    model: BaseChatModel, form: Form[Answer], messages: Sequence[BaseMessage], tries: int = TRIES
) -> Answer | None:
    """What the model answers to `messages`, as the form's schema; None where it declines.

    Raises:
        NotStructured: none of the answers fits.
        ProviderFailed: the endpoint failed.
    """
    dialect = _dialect(model)
    ways = _ways(model, dialect)
    asked: list[BaseMessage] = []
    problem = ""
    for _ in range(tries):
        way, answer = _ask(model, form, ways, [*messages, *asked])
        if form.declines(answer):
            return None
        found, problem = _read(answer, form)
        if found is not None:
            dialect.structure = way
            return found
        if not (answer.tool_calls or answer.invalid_tool_calls) and way == "tool" and len(ways) > 1:
            # an endpoint may take tools and never tell its model of them
            ways.pop(0)
        asked += _told(answer, problem)
    raise NotStructured(problem)


def _dialect(model: BaseChatModel) -> Dialect:
    """What is known of the endpoint behind a model, however many models are around it."""
    inner: object = model
    while inner is not None:
        known = getattr(inner, "dialect", None)
        if isinstance(known, Dialect):
            return known
        inner = getattr(inner, "inner", None)
    return Dialect()


def _ways(model: BaseChatModel, dialect: Dialect) -> list[Way]:
    """The ways that may work, best first: the one that did, then the others."""
    ways: list[Way] = ["tool", "json_schema", "text"] if dialect.schemas else ["tool", "text"]
    if type(model).bind_tools is BaseChatModel.bind_tools:
        ways.remove("tool")
    return sorted(ways, key=lambda way: way != dialect.structure)


def _ask(
    model: BaseChatModel, form: Form[Any], ways: list[Way], messages: Sequence[BaseMessage]
) -> tuple[Way, AIMessage]:
    """An answer, and the way it came; a way that the endpoint refuses is taken from `ways` while there is another.

    The ways share one bound of requests and one deadline.
    """
    refused: EndpointFailed | None = None
    bound = Bound()
    while True:
        way, bound.another = ways[0], len(ways) > 1
        try:
            with bound_by(bound):
                return way, _bound(model, form, way).invoke([*messages, *_instruction(form, way)])
        except EndpointFailed as error:
            # 404 and 500 too: so some endpoints answer when they are sent tools that they cannot take
            refused = refused or error
            if error.status not in (400, 404, 405, 415, 422, 500, 501):
                raise
            if len(ways) == 1:
                raise refused from None
            ways.pop(0)


def _bound(model: BaseChatModel, form: Form[Any], way: Way) -> Runnable[LanguageModelInput, AIMessage]:
    if way == "tool":
        return model.bind_tools([form.tool()])
    return model.bind(response_format=form.response_format()) if way == "json_schema" else model


def _instruction(form: Form[Any], way: Way) -> Iterator[BaseMessage]:
    # with json_schema too: some endpoints take the format and do nothing with it
    if way != "tool":
        yield HumanMessage(form.in_words())


def _read(answer: AIMessage, form: Form[Answer]) -> tuple[Answer | None, str]:
    if answer.invalid_tool_calls:
        return None, "The arguments of the call are not valid JSON."
    given, problem = _arguments(answer, form.name)
    if given is None:
        return None, problem
    try:
        found = form.schema.model_validate(given)
    except ValidationError as error:
        return None, _in_words(error)
    wrong = form.check(found)
    return (None, wrong) if wrong else (found, "")


def _arguments(answer: AIMessage, name: str) -> tuple[dict[str, Any] | None, str]:
    calls = answer.tool_calls
    if len(calls) == 1 and calls[0]["name"] == name:
        return calls[0]["args"], ""
    if calls:
        return None, f"Answer with exactly one call of {name}."
    try:
        return json_in(answer.text), ""
    except ValueError:
        return None, f"Answer with exactly one call of {name}, or with one JSON object."


def json_in(text: str) -> dict[str, Any]:
    """The one JSON object in a text, bare, in a fence or between words.

    Raises:
        ValueError: there is none that is whole, or more than one.
    """
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        raise ValueError("no object")
    return strict_object(text[begin : end + 1])


def _told(answer: AIMessage, problem: str) -> list[BaseMessage]:
    # every call needs an answer, and arguments that cannot be read must not be sent back to an endpoint
    kept = AIMessage(content=answer.text[:_SHOWN] or ("" if answer.tool_calls else "(no usable answer)"))
    kept.tool_calls = answer.tool_calls
    if not answer.tool_calls:
        return [kept, HumanMessage(problem)]
    return [kept, *(ToolMessage(problem, tool_call_id=str(call["id"]), status="error") for call in answer.tool_calls)]


def _in_words(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return f"The proposal does not fit: {'; '.join(problems)}."
