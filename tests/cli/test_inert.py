"""Text of anyone's on a terminal: no colour, no cursor, no link, no markup of it takes effect."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from millwright.cli.plain import plain
from millwright.cli.screens import sentences, table
from tests.cli.running import Millwright

LINK = "[link=https://evil.example]press[/link]"
ESCAPE = "\x1b]8;;https://evil.example\x1b\\press\x1b]8;;\x1b\\\x1b[31m\x9b2J\x07"
BIDI = "\u202eevil\u2066"


def on_a_terminal(what: object) -> str:
    stream = io.StringIO()
    Console(file=stream, force_terminal=True, width=200, legacy_windows=False).print(what)
    return stream.getvalue()


@pytest.mark.parametrize("place", ["heading", "cell", "sentence"])
@pytest.mark.parametrize("text", [LINK, ESCAPE, BIDI])
def test_nothing_in_a_name_or_a_cell_takes_effect(place: str, text: str) -> None:
    made = {"heading": table((text,), [("x",)]), "cell": table(("a",), [(text,)]), "sentence": sentences(text)}[place]
    shown = on_a_terminal(made)
    assert "\x1b]8" not in shown
    assert "\x1b[31m" not in shown
    assert not set("\x9b\x07\u202e\u2066") & set(shown)
    assert "press" in shown or "evil" in shown
    assert text != LINK or "[link=" in shown


def test_letters_lines_and_tabs_stay() -> None:
    assert plain("Zürich\t東京\n👩‍🔬 naïve") == "Zürich\t東京\n👩‍🔬 naïve"


def test_a_table_with_such_names_is_shown_by_the_command(millwright: Millwright, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"a,{LINK},x\x1b[31m\n" + "".join(f"{row},b,c\n" for row in range(12)))
    done = millwright("data", "import", "rows.csv")
    assert done.code == 0, done.err
    assert LINK in done.out.replace("\n", "")
    assert "\x1b" not in done.out + done.err


def test_an_error_that_quotes_a_name_does_not_steer(millwright: Millwright) -> None:
    done = millwright("data", "profile", "no\x1b]0;owned\x07such")
    assert done.code == 1
    assert not set("\x1b\x07") & set(done.err)
