"""A running summary in words, written by the model itself and held against the digest: no figure of its own."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableBinding

from agents.claims import figures_in, numbers_of, shows
from agents.marked import in_json
from agents.memory_digest import Digest, brief
from agents.memory_turns import turns_of
from agents.offline import OfflinePlanner
from engine.errors import ProviderFailed

log = logging.getLogger("millwright.memory")
MOST_CHARACTERS = 1_600
"""Longest summary; one that is longer is cut at the end of a sentence."""
SHOWN_CHARACTERS = 400
MOST_SHOWN = 12_000
"""Characters of what is to be summarised: a summary must itself never be too long a request."""

ChatModel = Runnable[LanguageModelInput, AIMessage]


def writes_prose(model: ChatModel) -> bool:
    """Whether the model can write a summary; the offline planner answers from the digest itself."""
    return not isinstance(model, OfflinePlanner)


@dataclass(frozen=True)
class Summary:
    """The prose, '' where the digest has to speak for itself; what was asked; and the answer, if one came."""

    prose: str
    asked: Sequence[BaseMessage]
    answer: AIMessage | None


def summarise(model: ChatModel, digest: Digest, added: Sequence[BaseMessage]) -> Summary:
    """Have the model add the messages `added`, which `digest` holds already, to its summary.

    A summary with a figure of its own is not used. When the model cannot be reached the old one stands.
    """
    data = _data(digest, added)
    prompt = files("agents").joinpath("prompts", "summarise.md").read_text(encoding="utf-8")
    bare = model.bound if isinstance(model, RunnableBinding) else model
    asked = [SystemMessage(prompt), HumanMessage(f"<data>{in_json(data)}</data>")]
    try:
        answer = bare.invoke(asked)
    except ProviderFailed as error:
        log.warning("no new summary of the conversation: %s", error)
        return Summary(digest.prose, asked, None)
    text = _cut(" ".join(str(answer.text).split()))
    invented = [] if answer.tool_calls else _invented(text, digest, data)
    if answer.tool_calls or invented:
        log.info("a summary was not used; figures that are not in the data: %s", ", ".join(invented) or "none")
        return Summary("", asked, answer)
    return Summary(text, asked, answer)


def _data(digest: Digest, added: Sequence[BaseMessage]) -> dict[str, object]:
    turns = [
        {"user": turn.text[:SHOWN_CHARACTERS], "assistant": turn.reply[:SHOWN_CHARACTERS]} for turn in turns_of(added)
    ]
    room = MOST_SHOWN
    facts: list[object] = []
    for fact in digest.every_fact()[::-1]:
        told = brief(fact).model_dump(mode="json", exclude_none=True)
        room -= len(json.dumps(told))
        if room < 0:
            break
        facts.insert(0, told)
    wishes = [one.text for one in digest.said if one.wish][-20:]
    return {"summary_so_far": digest.prose, "wishes": wishes, "turns_to_add": turns[-20:], "results": facts}


def _invented(text: str, digest: Digest, data: dict[str, object]) -> list[str]:
    """The figures in `text` that stand nowhere in the digest, the old summary or what was to be added."""
    known = [*_numbers(data), *_numbers([fact.model_dump(mode="json") for fact in digest.every_fact()])]
    known += [Decimal(one.turn) for one in digest.said]
    return [figure.shown for figure in figures_in(text) if not any(shows(figure, value) for value in known)]


def _numbers(value: object) -> Iterator[Decimal]:
    """Every number in a JSON value, those in its texts too: a reply states figures in words."""
    yield from numbers_of(value)
    for text in _texts(value):
        yield from (figure.value for figure in figures_in(text))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    end = text.rfind(". ", 0, MOST_CHARACTERS)
    return text[: end + 1] if end > 0 else text[:MOST_CHARACTERS]
