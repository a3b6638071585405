"""On the page: what was taken back is gone, what is struck is struck, a figure names its source."""

from pathlib import Path

from nicegui.elements.markdown import prepare_content

from agents.scripted import ScriptedModel, call, say
from graphs.checkpoints import open_saver
from graphs.events import CheckedClaim, ClaimsChecked, TextDelta, TextRevised, ToolStarted
from graphs.sessions import Sessions
from tests.graphs.smallshop import small_workshop
from web.wording import MARKDOWN, Wording


def test_what_was_taken_back_is_gone_and_what_is_struck_is_struck(home: Path) -> None:
    page = Wording()
    script = [call("add", a=1.25, b=2.5), say("So it is 3.95."), say("It is 3.95, or 3.75.")]
    with open_saver(home) as saver, ScriptedModel(script=script) as model:
        sessions = Sessions(small_workshop(home), model, saver)
        sessions.send(sessions.create().id, "Add them.", page.add)
    shown = str(prepare_content(page.markdown, " ".join(MARKDOWN)))
    assert "So it is" not in shown
    assert "<s>3.95</s> (not in the results)" in shown.replace("del>", "s>")
    assert '<abbr title="add call_' in shown


def test_sources_do_not_let_html_of_the_text_through() -> None:
    page = Wording()
    page.add(ToolStarted(call='c"><b>', tool="add", arguments={}))
    page.add(TextDelta(text="<i>It</i> is 3, in `x_y`."))
    claims = (
        CheckedClaim(value="3", span=(13, 14), grounded=True, result='c"><b>'),
        CheckedClaim(value="x_y", span=(20, 23), grounded=True, result="c2"),
    )
    page.add(ClaimsChecked(answer=1, claims=claims))
    assert page.markdown.endswith('&lt;i&gt;It&lt;/i&gt; is <abbr title="add c&quot;&gt;&lt;b&gt;">3</abbr>, in `x_y`.')


def test_only_the_answer_under_way_is_taken_back() -> None:
    page = Wording()
    for event in (
        TextDelta(text="One moment."),
        ToolStarted(call="c", tool="add", arguments={}),
        TextDelta(text="So "),
        TextDelta(text="it is"),
        TextRevised(deltas=2, characters=8),
        TextDelta(text="No."),
    ):
        page.add(event)
    assert page.markdown == "One moment.\n\n`add` …\n\nNo."
