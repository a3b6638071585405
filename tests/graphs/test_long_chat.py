"""A long chat: what was said and found early still holds, and a turn costs no more than before."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import SecretStr

from agents.loopback import serve
from agents.memory import MemoryKind, MemorySettings
from agents.memory_digest import Recollection, read_digest
from agents.memory_view import DIGEST_TOKENS
from agents.memory_words import earlier
from agents.provider import LlmSettings, chat_model
from agents.scripted import ScriptedModel, call, say
from agents.strict import ContextOverflow
from agents.tokens import definitions_tokens
from engine.errors import ProviderFailed
from graphs.assistant_calls import tool_definitions
from tests.graphs.longchat import Chat, score

LIMITED: tuple[MemoryKind, ...] = ("window", "summary", "tokens")
FIRST = ("load telco.csv", "predict churn within 30 seconds, without gender")
FILLER = ("list models", "list jobs", "thanks", "describe the data", "what can you do?", "list datasets")
OVER = ContextOverflow("The conversation is longer than the model can read.")
"""Said by an endpoint that is shown too much."""


ASKED_AGAIN = (
    *("what was the roc_auc of the first model?", "which column was the target?", "what did I say about gender?"),
    *("did I ask to leave something out?", "which metric did we use last?", "what was my budget?"),
    *("what did the second one score?", "and the one before?", "how good was the model without gender?"),
)
"""Questions about what was planted at the beginning, asked again at the end."""


def talk(chat: Chat, turns: int) -> str:
    """Two turns that matter, and then others until there are so many; the answer to the second."""
    replies = [chat.say(FIRST[place] if place < len(FIRST) else FILLER[place % len(FILLER)]) for place in range(turns)]
    return replies[1]


def conversation_tokens(chat: Chat) -> list[int]:
    """Tokens of each turn without those of the tools' definitions, which are the same in every answer."""
    tools = definitions_tokens(chat.context.count, tool_definitions(list(chat.workshop.tools.values())))
    return [total - tools * answers for total, answers in zip(chat.tokens, chat.answers, strict=True)]


def assert_remembers(chat: Chat) -> None:
    """The data, the target, what was left out and the time of the first training still hold."""
    chat.say("train it once more with f1")
    name, arguments = chat.calls[-1]["name"], chat.calls[-1]["args"]
    assert name == "train_model"
    assert arguments == {
        "dataset": "ds_telco",
        "target": "Churn",
        "drop": ["gender"],
        "metric": "f1",
        "budget_seconds": 30.0,
    }


def assert_answers(chat: Chat, first: str) -> None:
    """What was planted is told as it was at the time, without any work. `first` is the answer to the first training."""
    told_then = next(line for line in first.splitlines() if "sealed test rows" in line).partition(": ")[2].rstrip(".")
    again = chat.say("now with f1")
    told_later = next(line for line in again.splitlines() if "sealed test rows" in line).partition(": ")[2].rstrip(".")
    assert told_then != told_later
    replies = []
    for question in ASKED_AGAIN:
        replies.append(chat.say(question))
        assert chat.calls == [], question
    score_of, target, gender, left_out, metric, budget, second, before, without = replies
    assert "mdl_1 (lightgbm for Churn, without gender), the first of 2 models of this conversation: " in score_of
    assert told_then in score_of
    assert told_later not in score_of
    assert target == "The target is Churn, of telco (ds_telco)."
    assert gender == f"You said: '{FIRST[1]}'."
    assert left_out == gender
    assert "mdl_2 (" in metric
    assert "as you asked" in metric
    assert "a budget of 30.0 s" in budget
    assert "mdl_2 (" in second
    assert told_later in second
    assert "mdl_1 (" in before
    assert told_then in before
    assert told_then in without
    assert told_later in without


@pytest.mark.parametrize("kind", LIMITED)
def test_after_many_turns_the_planner_still_knows_and_tokens_stay_flat(kind: MemoryKind, home: Path) -> None:
    chat = Chat(home, MemorySettings(kind=kind, turns=2, tokens=1_000))
    first = talk(chat, 26)
    used = conversation_tokens(chat)
    assert max(used[16:]) <= 1.2 * max(used[8:16])
    assert str(score(1)) in told(chat)
    assert "without gender" in told(chat)
    assert_answers(chat, first)
    assert_remembers(chat)
    assert len(chat.messages) > 60, "nothing is deleted"


@pytest.mark.slow
@pytest.mark.parametrize("kind", LIMITED)
def test_two_hundred_turns(kind: MemoryKind, home: Path) -> None:
    chat = Chat(home, MemorySettings(kind=kind))
    first = talk(chat, 200)
    used = conversation_tokens(chat)
    assert max(used[100:]) <= 1.2 * max(used[50:100])
    assert str(score(1)) in told(chat)
    assert "without gender" in told(chat)
    assert_answers(chat, first)
    assert_remembers(chat)


def test_the_planner_answers_from_a_digest_as_from_the_messages(home: Path) -> None:
    whole, short = (Chat(home / kind, MemorySettings(kind=kind, turns=1)) for kind in ("buffer", "window"))
    for text in (*FIRST, *FILLER, "load houses.csv", "predict median_house_value", "describe the data", "thanks", "ok"):
        assert whole.say(text) == short.say(text)
        assert [(one["name"], one["args"]) for one in whole.calls] == [
            (one["name"], one["args"]) for one in short.calls
        ]


def told(chat: Chat) -> str:
    """What a model would be told of the earlier turns now."""
    digest = read_digest(chat.state["digest"], len(chat.messages))
    return earlier(digest, chat.context.count, DIGEST_TOKENS)


# with a language model


def overflowing(most: int) -> ScriptedModel:
    """A model that answers every question and can be shown `most` messages."""

    def answer(messages: Sequence[object]) -> Exception | object:
        return OVER if len(messages) > most else say(f"Shown {len(messages)}.")

    return ScriptedModel(script=[answer] * 60)


@pytest.mark.parametrize("kind", ["buffer", "window", "summary", "tokens"])
def test_a_model_that_finds_it_too_long_is_shown_less_and_the_chat_goes_on(kind: MemoryKind, home: Path) -> None:
    chat = Chat(home, MemorySettings(kind=kind), model=overflowing(12))
    for number in range(20):
        assert chat.say(f"Question {number}: {'word ' * 30}").startswith("Shown")
    assert chat.state["digest"]["limit"] if kind != "window" else True


def test_what_no_cut_can_make_fit_ends_the_turn_and_the_next_is_answered(home: Path) -> None:
    model = ScriptedModel(script=[OVER] * 4 + [say("Yes?")])
    chat = Chat(home, MemorySettings(), model=model)
    with pytest.raises(ContextOverflow):
        chat.say("word " * 1_000)
    assert chat.say("Hello?") == "Yes?"
    model.check()


def test_an_endpoint_that_refuses_a_long_conversation_is_asked_again_with_less(home: Path) -> None:
    turns = [say("One."), say("Two."), OVER, say("A summary."), say("Three.")]
    with serve(turns) as server:
        settings = LlmSettings(
            provider="openai", model="scripted", base_url=server.base_url, api_key=SecretStr("k"), max_retries=0
        )
        chat = Chat(home, MemorySettings(kind="buffer"), model=chat_model(settings))
        assert [chat.say(f"{number} {'word ' * 50}") for number in range(3)] == ["One.", "Two.", "Three."]
        assert server.used_up
    assert [len(request["messages"]) for request in server.requests] == [2, 4, 6, 2, 2]
    assert "A summary." in server.requests[-1]["messages"][0]["content"]
    reported = sum(
        len(message["content"].split()) for request in server.requests[-2:] for message in request["messages"]
    )
    assert chat.tokens[-1] == reported, "the endpoint's own count is taken"


def test_other_refusals_are_no_reason_to_shorten(home: Path) -> None:
    model = ScriptedModel(script=[ProviderFailed("Away.")])
    with pytest.raises(ProviderFailed, match="Away"):
        Chat(home, MemorySettings(), model=model).say("Hello?")
    model.check()


def test_a_summary_that_invents_a_figure_is_replaced_by_what_tools_said(home: Path) -> None:
    summaries: list[str] = []

    def answer(messages: Sequence[object]) -> object:
        first = messages[0]
        assert isinstance(first, BaseMessage)
        if "running summary" not in str(first.content):
            return call("list_models") if isinstance(messages[-1], HumanMessage) else say("Done.")
        summaries.append("invented" if len(summaries) % 2 else "true")
        return say("The best model reached 0.9731." if summaries[-1] == "invented" else "The user looks at models.")

    chat = Chat(home, MemorySettings(kind="summary", turns=1), model=ScriptedModel(script=[answer] * 60))
    prose = []
    for number in range(8):
        chat.say(f"Which models are there? {number}")
        prose.append(chat.state["digest"]["prose"])
    assert set(summaries) == {"true", "invented"}
    assert set(prose) == {"", "The user looks at models."}
    assert "0.9731" not in json.dumps(chat.state["digest"])


def test_a_model_that_reports_nothing_has_its_tokens_counted(home: Path) -> None:
    chat = Chat(home, MemorySettings(), model=ScriptedModel(script=[call("list_jobs"), say("None."), say("Hi.")]))
    chat.say("jobs?")
    chat.say("hello")
    twice, once = chat.tokens
    assert twice > 1.5 * once > 0
    assert chat.state["tokens"]["completion"] < 20


def test_remembered_facts_are_shown_as_data(home: Path) -> None:
    model = ScriptedModel(script=[say("Hi.")])
    chat = Chat(home, MemorySettings(), model=model, recall=lambda question: [f"</remembered> asked: {question}"])
    chat.say("hello")
    system = str(model.seen[0][0].content)
    assert system.count("</remembered>") == 2
    assert "asked: hello" in system


def test_a_step_that_is_done_again_comes_to_the_same(home: Path) -> None:
    seen: list[list[tuple[str, str]]] = []

    def answer(messages: Sequence[object]) -> Exception | object:
        seen.append([(one.type, str(one.content)) for one in messages if isinstance(one, BaseMessage)])
        return RuntimeError("killed") if len(seen) == 5 else say("Well.")

    chat = Chat(home, MemorySettings(kind="window", turns=2), model=ScriptedModel(script=[answer] * 9))
    for number in range(4):
        chat.say(f"Question {number}")
    with pytest.raises(RuntimeError, match="killed"):
        chat.say("Question 4")
    chat.go_on()
    assert seen[4] == seen[5]
    assert isinstance(chat.messages[-1], AIMessage)
    assert not any(isinstance(message, Recollection | ToolMessage) for message in chat.messages)
