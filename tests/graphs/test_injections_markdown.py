"""Markdown that is written from data, read by a Markdown reader: no link, no picture and no HTML comes out of it."""

from collections.abc import Iterable

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crews.markdown import bullets, quoted, table
from engine.report.render import markdown
from graphs.notebook import harmless
from tools.answers_file import without_formulas

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LIVE = {"link_open", "image", "html_inline", "html_block"}
EVIL = "http://evil.example/?k=secret"
PARTS = [
    "`",
    "``",
    "[",
    "]",
    "(",
    ")",
    "!",
    "|",
    "\\",
    "\n",
    "<",
    ">",
    "~~",
    "x",
    f"({EVIL})",
    "&lt;",
    "\n|-|-|\n",
    "- ",
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=24).map("".join)


def live(text: str) -> list[str]:
    def every(tokens: Iterable[Token]) -> Iterable[Token]:
        for token in tokens:
            yield token
            yield from every(token.children or ())

    return [token.type for token in every(READER.parse(text)) if token.type in LIVE]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example(f"``[x]({EVIL})`")
@example(f"a|b\n-|-\n`c | [x]({EVIL})`")
@example(f"\\`[x]({EVIL})`")
@example(f"`a`[x]({EVIL})`b`")
@example(f"[x]({EVIL}) ![y]({EVIL}) <img src={EVIL}> <{EVIL}>")
def test_what_was_said_is_harmless_in_a_notebook(text: str) -> None:
    assert live(harmless(text)) == []


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example(f"~~<img src={EVIL}>~~ [no tool result holds this]")
@example(f"~~![x]({EVIL})~~ (not in the results)")
def test_an_agents_words_are_harmless_in_a_page(text: str) -> None:
    assert live(quoted(text)) == []
    assert live(bullets([text])) == []
    assert live(table(("a", "b"), [(text, text)])) == []


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_names_are_harmless_in_a_model_card(text: str) -> None:
    assert live(f"- {markdown(text)}") == []


def test_the_reader_finds_what_is_live() -> None:
    assert live(f"[x]({EVIL}) ![y]({EVIL}) <b>") == ["link_open", "image", "html_inline"]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@sum", "\tx", "\rx"])
@pytest.mark.parametrize("column", ["prediction", "row_id"])
def test_a_spreadsheet_runs_no_cell(text: str, column: str) -> None:
    answers = pd.DataFrame({"prediction": ["a", "b"], "row_id": ["1", "-2"]})
    answers[column] = [text, "-2.5"]
    safe, notes = without_formulas(answers)
    assert list(safe[column]) == [f"'{text}", "-2.5"]
    assert len(notes) == 1
