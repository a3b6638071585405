"""What is remembered: kept once, bounded, without secrets, listed and forgotten."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import BadArguments, NotFound
from tools.memories import Memories, checked_text, relevant
from tools.workshop import Workshop

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def store(home: Path) -> Memories:
    return Memories(home, lambda: NOW)


def texts(store: Memories) -> list[str]:
    return [memory.text for memory in store.all()]


def test_what_was_told_is_read_back_newest_first_by_another_process(home: Path, store: Memories) -> None:
    assert store.all() == []
    store.add("tenure is in months", "fact", "ds_1")
    store.add("recall matters more than precision", "preference")
    assert texts(Memories(home, lambda: NOW)) == ["recall matters more than precision", "tenure is in months"]


def test_the_same_sentence_is_kept_once_and_counted(store: Memories) -> None:
    first, _ = store.add("Tenure is in months.", "fact", "ds_1", "result")
    again, note = store.add("  tenure is in\nMONTHS", "fact", "ds_1", "user")
    assert (again.id, again.told, again.source) == (first.id, 2, "user")
    assert "already" in note
    store.add("tenure is in months", "fact", "ds_2")
    assert len(store.all()) == 2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("my key is sk-proj-abcdefghijklmnop1234", "API key"),
        ("use Authorization: Bearer abcdef.ghijkl-1234", "bearer token"),
        ("the data is at postgresql://me:hunter2@db.local/x", "password"),
        ("log in as anna:hunter22@db.local", "password"),
        ("password: hunter2!", "password"),
        ("das Passwort ist geheim123", "password"),
        ("Passwort lautet Geheim123!", "password"),
        ("password hunter2hunter", "password"),
        ("api_key=9f8e7d6c5b", "password or key"),
        ("AKIAIOSFODNN7EXAMPLE is mine", "API key"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123", "API key"),
        ("-----BEGIN RSA PRIVATE KEY----- x", "private key"),
        ("post to https://hooks.slack.com/services/T0/B0/xyz", "webhook"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "token"),
    ],
)
def test_secrets_are_refused_and_not_repeated(store: Memories, text: str, what: str) -> None:
    with pytest.raises(BadArguments, match=what) as error:
        store.add(text, "fact")
    assert text not in str(error.value)
    assert store.all() == []


@pytest.mark.parametrize(
    "text",
    [
        "the target is churn, at 10:30 each day",
        "the column password holds no values",
        "mail anna@example.com about ratio 3:1",
        "see https://example.com/data?x=1 for the columns",
        "the token column is a text",
        "customerID is the key of the table",
    ],
)
def test_plain_sentences_are_no_secrets(text: str) -> None:
    assert checked_text(text) == text


def test_what_is_empty_or_too_long_is_refused_and_control_characters_are_taken_out(store: Memories) -> None:
    for wrong in ("", " \n ", "\x00\x1b"):
        with pytest.raises(BadArguments, match="nothing to remember"):
            store.add(wrong, "fact")
    with pytest.raises(BadArguments, match="too many to remember"):
        store.add("x" * 501, "fact")
    assert store.add("a\x1b[31m\nb\u202e", "fact")[0].text == "a [31m b"


def test_a_full_store_lets_go_of_results_and_never_of_what_the_user_said(home: Path) -> None:
    store = Memories(home, lambda: NOW, most=3)
    store.add("said one", "fact")
    store.add("shown", "fact", source="result")
    store.add("said two", "fact")
    assert "shown" in store.add("said three", "fact")[1]
    assert texts(store) == ["said three", "said two", "said one"]
    with pytest.raises(BadArguments, match="3 memories are kept at most"):
        store.add("said four", "fact")
    Memories(home, lambda: NOW, owner="another", most=3).add("mine", "fact")


def test_one_owner_does_not_see_or_forget_what_another_said(home: Path) -> None:
    ann, bob = (Memories(home, lambda: NOW, owner=name) for name in ("ann", "bob"))
    told, _ = ann.add("likes f1", "preference")
    assert bob.all() == []
    with pytest.raises(NotFound):
        bob.forget(told.id)
    assert bob.forget_where(lambda _: True) == []
    assert texts(ann) == ["likes f1"]


def test_many_writers_at_once_lose_nothing(home: Path) -> None:
    def write(number: int) -> None:
        for place in range(5):
            Memories(home, lambda: NOW).add(f"fact {number} {place}", "fact")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Memories(home, lambda: NOW).all()) == 20


def test_what_matters_to_a_question_comes_first_and_is_bounded(store: Memories) -> None:
    for number in range(30):
        store.add(f"unrelated thing {number} of another table", "fact", "ds_other")
    store.add("prefers recall over precision", "preference")
    store.add("the column tenure counts months", "fact", "ds_1")
    store.add("rows before 2020 are test accounts", "fact", "ds_1")
    found = [memory.text for memory in relevant(store, "what is tenure measured in?", "ds_1")]
    assert found == [
        "the column tenure counts months", "rows before 2020 are test accounts", "prefers recall over precision",
    ]  # fmt: skip
    assert len(relevant(store, "things of the table", most=10)) == 10
    assert [one.text for one in relevant(store, "hello")] == ["prefers recall over precision"]
    assert relevant(Memories(store.path.parent / "none", lambda: NOW), "x") == []


def test_a_damaged_file_is_said_and_left_alone(store: Memories) -> None:
    store.add("kept", "fact")
    store.path.write_text("{not json")
    with pytest.raises(BadArguments, match="cannot be read"):
        store.all()
    with pytest.raises(BadArguments, match="cannot be read"):
        store.add("more", "fact")
    assert store.path.read_text() == "{not json"


def test_the_tools_remember_list_and_forget(workshop: Workshop, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("age,left\n" + "".join(f"{20 + n},{'yn'[n % 2]}\n" for n in range(40)))
    dataset = workshop.call("import_dataset", source=str(table), target="left").model_dump()["dataset"]
    told = workshop.call("remember", text="age is in years", about="people").model_dump()["memory"]
    assert told["about"] == dataset
    workshop.call("remember", text="wants short answers", kind="preference")
    listed = workshop.call("list_memories", about="people").model_dump()
    assert ([one["id"] for one in listed["memories"]], listed["kept"]) == ([told["id"]], 2)
    found = workshop.call("list_memories", query="which age?").model_dump()["memories"]
    assert [one["text"] for one in found] == ["age is in years"]
    assert json.loads(Path(listed["file"]).read_text())[0]["text"] == "age is in years"
    assert workshop.call("forget", id=told["id"]).model_dump()["kept"] == 1
    assert workshop.call("forget", everything=True).model_dump()["kept"] == 0


def test_all_about_a_dataset_is_forgotten_even_when_it_is_gone(workshop: Workshop) -> None:
    Memories(workshop.home, workshop.now).add("old", "fact", "ds_gone")
    assert len(workshop.call("forget", all_about="ds_gone").model_dump()["forgotten"]) == 1


def test_bad_requests_are_refused(workshop: Workshop) -> None:
    with pytest.raises(NotFound, match="no dataset and no model"):
        workshop.call("remember", text="x is y", about="nothing")
    with pytest.raises(NotFound, match="mem_"):
        workshop.call("forget", id="mem_000000000000")
    for wrong in ({}, {"id": "mem_000000000000", "everything": True}, {"everything": False}):
        with pytest.raises(BadArguments, match="exactly one"):
            workshop.call("forget", **wrong)
    for wrong in ({"text": "x", "kind": "secret"}, {"text": "x", "source": "web"}, {}):
        with pytest.raises(BadArguments):
            workshop.call("remember", **wrong)
