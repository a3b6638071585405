"""Going back in a conversation, and out of it: undo, branch, export, rename, delete."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.memory import MemorySettings
from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments, NotFound
from engine.redaction import redacted
from graphs.assistant_types import Decision
from graphs.session_export import notebook
from graphs.session_types import Undone
from graphs.sessions import Price, Sessions
from tests.graphs.smallshop import effects
from tools.workshop import Workshop

Saver = BaseCheckpointSaver[Any]
YES = Decision(approve=True)


def talk(workshop: Workshop, saver: Saver, *script: Any) -> tuple[Sessions, str, ScriptedModel]:
    model = ScriptedModel(script=list(script))
    sessions = Sessions(workshop, model, saver)
    return sessions, sessions.create().id, model


def texts(sessions: Sessions, session: str) -> list[str]:
    return [each.text for each in sessions.history(session)]


def test_after_an_undo_the_model_does_not_see_what_was_undone(workshop: Workshop, saver: Saver) -> None:
    sessions, session, model = talk(workshop, saver, say("One."), say("Two."), say("Three."), say("Four."))
    for text in ("1", "2", "3"):
        sessions.send(session, text)
    assert [turn.number for turn in sessions.undo(session, 2).turns] == [2, 3]
    assert texts(sessions, session) == ["1", "One."]
    assert sessions.send(session, "4").number == 4
    assert [message.text for message in model.seen[-1][1:]] == ["1", "One.", "4"]


def test_an_undo_is_a_mark_in_the_journal_and_takes_nothing_out_of_it(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."), say("Two."))
    sessions.send(session, "1")
    sessions.send(session, "2")
    before = list(sessions.events(session))
    sessions.undo(session)
    assert list(sessions.events(session)) == [*before, Undone(turn=2, turns=1, sequence=len(before) + 1)]
    assert [turn.state for turn in sessions.turns(session)] == ["done", "undone"]


def test_the_very_first_turn_can_be_undone(workshop: Workshop, saver: Saver) -> None:
    sessions, session, model = talk(workshop, saver, say("One."), say("Again."))
    sessions.send(session, "1")
    sessions.undo(session)
    assert texts(sessions, session) == []
    sessions.send(session, "1 again")
    assert [message.text for message in model.seen[-1][1:]] == ["1 again"]


def test_what_was_done_beyond_the_conversation_is_listed_as_not_undone(
    workshop: Workshop, saver: Saver, rows: Path
) -> None:
    imported = call("import_dataset", source=str(rows), target="y")
    training = call("train_model", dataset="ds_small", target="y", models=["linear"])
    sessions, session, _ = talk(
        workshop,
        saver,
        [imported, call("add", a=1, b=2)],
        training,
        say("Done."),
        call("publish", model="mdl_1"),
        say("."),
    )
    sessions.send(session, "Train.")
    waiting = sessions.send(session, "Publish.").approval
    assert waiting is not None
    sessions.approve(session, waiting.approval, YES)
    undone = sessions.undo(session, 1)
    assert [(item.turn, item.tool, item.effect) for item in undone.lasting] == [
        (1, "import_dataset", "compute"),
        (1, "train_model", "compute"),
        (2, "publish", "write"),
    ]
    assert undone.lasting[2].made == {"model": "mdl_1"}
    assert "publish mdl_1" in effects(workshop.home)


def test_an_undo_makes_what_waited_stale_and_revives_nothing(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, call("publish", model="mdl_1"), say("Fine."))
    waiting = sessions.send(session, "Publish.").approval
    assert waiting is not None
    sessions.send(session, "No, wait.")
    sessions.undo(session)  # back to where the call waited
    assert sessions.pending(session) is None
    with pytest.raises(NotFound, match="nothing was run"):
        sessions.approve(session, waiting.approval, YES)
    sessions.undo(session)
    assert texts(sessions, session) == []


def test_an_undo_that_a_crash_broke_off_is_finished_by_whoever_comes_next(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."), say("Two."), say("Three."))
    sessions.send(session, "1")
    sessions.send(session, "2")
    file = workshop.home / "sessions" / session / "turns.jsonl"
    last = json.loads(file.read_text().splitlines()[-1])
    with file.open("a") as lines:  # as it stands when the process dies after the first word of an undo
        lines.write(json.dumps({**last, "state": "undoing"}) + "\n")
    sessions.send(session, "3")
    assert texts(sessions, session) == ["1", "One.", "3", "Three."]
    assert [turn.state for turn in sessions.turns(session)] == ["done", "undone", "done"]


@pytest.mark.parametrize("turn", [0, -1, 3, 10**30])
def test_a_turn_that_is_not_in_the_conversation_cannot_be_undone(workshop: Workshop, saver: Saver, turn: int) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."))
    sessions.send(session, "1")
    with pytest.raises(NotFound) as caught:
        sessions.undo(session, turn)
    assert caught.value.code == "turn_not_found"
    assert texts(sessions, session) == ["1", "One."]


@pytest.mark.parametrize("turn", ["1", 1.0, True, [1]])
def test_a_turn_is_named_by_a_number(workshop: Workshop, saver: Saver, turn: Any) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."))
    sessions.send(session, "1")
    for use in (sessions.undo, sessions.branch):
        with pytest.raises(BadArguments):
            use(session, turn)


def test_there_is_nothing_to_undo_in_a_new_conversation(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver)
    with pytest.raises(NotFound, match="Nothing has been said yet"):
        sessions.undo(session)


def test_a_branch_goes_its_own_way_from_the_end_of_a_turn(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."), say("Two."), say("Other."), say("Three."))
    sessions.send(session, "1")
    sessions.send(session, "2")
    new = sessions.branch(session, 1)
    assert new.parent is not None
    assert (new.title, new.parent.session, new.parent.turn) == ("1 (branch)", session, 1)
    sessions.send(new.id, "other")
    sessions.send(session, "3")
    assert texts(sessions, new.id) == ["1", "One.", "other", "Other."]
    assert texts(sessions, session) == ["1", "One.", "2", "Two.", "3", "Three."]
    assert [event.sequence for event in sessions.events(new.id)] == [1, 2]
    sessions.undo(new.id)
    assert texts(sessions, new.id) == ["1", "One."]


def test_a_branch_of_what_waits_does_not_wait(workshop: Workshop, saver: Saver) -> None:
    sessions, session, model = talk(workshop, saver, call("publish", model="mdl_1"), say("Left."), say("Published."))
    waiting = sessions.send(session, "Publish.").approval
    assert waiting is not None
    new = sessions.branch(session)
    assert sessions.pending(new.id) is None
    with pytest.raises(NotFound):
        sessions.approve(new.id, waiting.approval, YES)
    sessions.send(new.id, "And now?")
    assert [message.type for message in model.seen[-1]] == ["system", "human", "ai", "tool", "human"]
    assert sessions.approve(session, waiting.approval, YES).text == "Published."
    assert effects(workshop.home) == ["publish mdl_1"]


def test_a_branch_at_the_beginning_is_empty_and_remembers_in_the_same_way(workshop: Workshop, saver: Saver) -> None:
    sessions = Sessions(workshop, ScriptedModel(script=[say("One.")]), saver)
    memory = MemorySettings(kind="window", turns=3)
    session = sessions.create("Sums", memory).id
    sessions.send(session, "1")
    new = sessions.branch(session, 0, "Anew")
    assert (new.memory, new.title, texts(sessions, new.id)) == (memory, "Anew", [])


def test_an_export_holds_calls_results_approvals_tokens_and_cost(workshop: Workshop, saver: Saver) -> None:
    model = ScriptedModel(script=[[call("add", a=1, b=2), call("publish", model="mdl_1")], say("Done.")])
    sessions = Sessions(workshop, model, saver, price=Price(prompt=2.0, completion=4.0))
    session = sessions.create().id
    waiting = sessions.send(session, "Go.").approval
    assert waiting is not None
    sessions.approve(session, waiting.approval, Decision(approve=True, reason="Fine."))
    export = sessions.export(session)
    calls = [(each.tool, each.arguments, each.result) for message in export.messages for each in message.calls]
    assert calls == [("add", {"a": 1, "b": 2}, {"value": 3.0}), ("publish", {"model": "mdl_1"}, {"model": "mdl_1"})]
    answer = export.approvals[0].answer
    assert answer is not None
    assert (answer.approve, answer.reason) == (True, "Fine.")
    tokens = export.turns[0].tokens
    assert export.tokens == tokens
    assert tokens.prompt > tokens.completion > 0
    assert export.cost == pytest.approx((2 * tokens.prompt + 4 * tokens.completion) / 1e6)
    json.dumps(export.model_dump(mode="json"), allow_nan=False)


def test_an_export_holds_no_secret(workshop: Workshop, saver: Saver) -> None:
    secrets = ("hunter22", "sk-abcdefghijklmnop1234", "T0/B0/xyzxyz", "eyJhbGciOi.J9abc.def")
    said = f"postgresql://me:{secrets[0]}@host/db, key {secrets[1]}, https://hooks.slack.com/services/{secrets[2]}"
    sessions, session, _ = talk(workshop, saver, say("I saw them."))
    sessions.send(session, f"{said}, Authorization: Bearer {secrets[3]}")
    for document in (sessions.export(session).model_dump_json(), json.dumps(sessions.notebook(session))):
        assert not [secret for secret in secrets if secret in document]
    assert redacted({"api_key": "abcd", "tokens": 3, "text": "password=abcd and target=churn"}) == {
        "api_key": "***",
        "tokens": 3,
        "text": "password=*** and target=churn",
    }


def test_a_notebook_calls_what_was_called(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, call("add", a=1, b=2), say("3."))
    sessions.send(session, "1 + 2?")
    notebook = sessions.notebook(session)
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert notebook["nbformat"] == 4
    assert any("workshop.call('add', a=1, b=2)" in source for source in code)


def test_a_new_title_and_a_new_memory_stay(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."))
    sessions.send(session, "1")
    assert sessions.rename(session, " Sums\nof  two ").title == "Sums of two"
    sessions.set_memory(session, MemorySettings(kind="buffer"))
    assert (sessions.get(session).title, sessions.get(session).memory.kind) == ("Sums of two", "buffer")
    assert sessions.rename(session, "").title == "1"


def test_a_deleted_conversation_is_gone_and_its_branch_stays(workshop: Workshop, saver: Saver) -> None:
    sessions, session, _ = talk(workshop, saver, say("One."))
    sessions.send(session, "1")
    new = sessions.branch(session)
    sessions.delete(session)
    assert [info.id for info in sessions.list()] == [new.id]
    assert not (workshop.home / "sessions" / session).exists()
    assert saver.get_tuple({"configurable": {"thread_id": session}}) is None
    with pytest.raises(NotFound):
        sessions.history(session)
    assert texts(sessions, new.id) == ["1", "One."]


@pytest.mark.parametrize("text", ["", " \n", None, 3, "x" * 200_001])
def test_a_message_without_words_or_without_end_is_refused(workshop: Workshop, saver: Saver, text: Any) -> None:
    sessions, session, _ = talk(workshop, saver)
    with pytest.raises(BadArguments):
        sessions.send(session, text)
    assert list(sessions.turns(session)) == []


@pytest.mark.parametrize("title", ["x" * 201, None, 7])
def test_a_title_that_is_none_is_refused(workshop: Workshop, saver: Saver, title: Any) -> None:
    sessions, session, _ = talk(workshop, saver)
    for use in (sessions.create, lambda given: sessions.rename(session, given)):
        with pytest.raises(BadArguments):
            use(title)


@pytest.mark.parametrize("session", ["", "..", "/etc", "ses_\0", "x" * 5000, None, 7])
def test_no_id_leads_anywhere_else(workshop: Workshop, saver: Saver, session: Any) -> None:
    sessions, _, _ = talk(workshop, saver)
    for use in (sessions.get, sessions.undo, sessions.branch, sessions.delete, sessions.export, sessions.turns):
        with pytest.raises(NotFound) as caught:
            use(session)
        assert len(str(caught.value)) < 500


def test_a_notebook_does_not_act_on_others_by_itself(workshop: Workshop, saver: Saver) -> None:
    script = (call("publish", model="mdl_1"), call("add", a=1, b=2), say("Done."))
    sessions, session, _ = talk(workshop, saver, *script)
    waiting = sessions.send(session, "Publish mdl_1, then add.").approval
    assert waiting is not None
    sessions.approve(session, waiting.approval, YES)
    code = ["".join(cell["source"]) for cell in sessions.notebook(session)["cells"] if cell["cell_type"] == "code"]
    (published,) = [source for source in code if "publish" in source]
    assert "# r1 = workshop.call('publish', model='mdl_1')" in published.splitlines()
    assert "take the '# ' off" in published
    assert all(line.startswith("#") for line in published.splitlines())
    assert any(line.startswith("r2 = workshop.call('add'") for source in code for line in source.splitlines())


def test_what_needs_a_call_that_is_held_back_is_held_back_too(workshop: Workshop) -> None:
    tools = {**workshop.tools, "publish": replace(workshop.tools["publish"], effect="read")}
    calls = [("notify", {"model": "mdl_0"}, {"model": "mdl_7"}), ("publish", {"model": "mdl_7"}, {"model": "mdl_7"})]
    messages: list[Any] = [HumanMessage("Go.")]
    for number, (name, arguments, result) in enumerate(calls):
        messages.append(AIMessage("", tool_calls=[ToolCall(name=name, args=arguments, id=f"c{number}")]))
        messages.append(ToolMessage(json.dumps(result), tool_call_id=f"c{number}", name=name))
    cells = ["".join(cell["source"]) for cell in notebook("", [*messages, AIMessage("Done.")], tools)["cells"]]
    (needing,) = [source for source in cells if "model=r1.model" in source]
    assert needing.startswith("# This goes on with r1,")
    assert all(line.startswith("#") for line in needing.splitlines())
