"""A conversation as a notebook: valid nbformat 4.5, its cells run, nothing in it is live."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from graphs.notebook import Part, Said, harmless, notebook_of, parts_of
from graphs.receipts import Receipt
from tests.graphs.smallshop import TOOLS, effects, small_workshop

ADD = Receipt(id="r1", tool="add", arguments={"a": 1, "b": 2}, result={"value": 3})


def check_form(notebook: dict[str, Any]) -> None:
    """What the schema of nbformat 4.5 asks of such a notebook."""
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert all(isinstance(line, str) for line in cell["source"])
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"id", "cell_type", "metadata", "source"} | more
    assert json.loads(json.dumps(notebook)) == notebook


def cells(notebook: dict[str, Any], kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_what_was_said_is_text_and_what_was_done_is_code() -> None:
    notebook = notebook_of([Said(text="add one\nand two", by="user"), ADD, Said(text="It is 3.")], "Sums", TOOLS)
    check_form(notebook)
    assert cells(notebook, "markdown") == ["# Sums", "> add one\n> and two", "It is 3."]
    assert "workshop.call('add', a=1, b=2)" in cells(notebook, "code")[1]


def test_its_cells_run_from_the_top(home: Path) -> None:
    workshop = small_workshop(home)
    opened, *work, closed = cells(notebook_of([ADD], tools=TOOLS), "code")
    names: dict[str, Any] = {"workshop": workshop}
    for source in work:
        exec(source, names)
    assert effects(home) == ["add 1 2"]
    assert "millwright.open_workshop()" in opened
    assert closed == "stack.close()"


def test_a_conversation_is_told_in_its_order() -> None:
    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "1"}
    messages = [
        HumanMessage("add"),
        AIMessage("", tool_calls=[call]),
        ToolMessage(json.dumps({"value": 3}), tool_call_id="1"),
        AIMessage("3"),
        HumanMessage("thanks"),
        AIMessage("Any time."),
    ]
    said: list[Part] = [Said(text="add", by="user"), ADD, Said(text="3"), Said(text="thanks", by="user")]
    assert list(parts_of(messages)) == [*said, Said(text="Any time.")]


@pytest.mark.parametrize("text", ["![x](http://evil/?q=1)", "<img src=http://evil>", "<script>alert(1)</script>"])
def test_nothing_that_was_said_is_live(text: str) -> None:
    (_, shown) = cells(notebook_of([Said(text=text)]), "markdown")
    assert "<" not in shown
    assert "![" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[click](http://evil/?q=1)", "\\[click\\](http:\\//evil/?q=1)"),
        ("\\`[x](http://evil)`", "\\\\`[x](http://evil)`"),
        ("`` ` [x](u) ``", "\\`` ` \\[x\\](u) \\`\\`"),
        ("`a < b & [c]` is < d & e", "`a < b & [c]` is &lt; d &amp; e"),
        ("www.evil.example a@evil.example", "www\\.evil.example a\\@evil.example"),
        ("[r1] ~~41~~ *so*", "\\[r1\\] ~~41~~ *so*"),
    ],
)
def test_links_are_shown_and_code_stays_as_it_is(text: str, shown: str) -> None:
    assert harmless(text) == shown


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=40))
def test_any_text_gives_a_valid_notebook(texts: list[str], title: str) -> None:
    check_form(notebook_of([Said(text=text, by="user") for text in texts], title))


def test_an_empty_conversation_gives_a_notebook_that_opens_and_closes() -> None:
    notebook = notebook_of([])
    check_form(notebook)
    assert len(cells(notebook, "code")) == 2
