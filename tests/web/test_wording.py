"""Events as Markdown: what comes from data or a model is shown and never run."""

import pytest

from engine.progress import FitFinished
from graphs.events import (
    ApprovalWanted,
    Event,
    Metric,
    RunFailed,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from web.wording import inert, line_of

FIT = FitFinished(model="forest", status="done", metric="roc_auc", validation=0.87654, seconds=1)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (TextDelta(text="a < b"), "a &lt; b"),
        (ToolStarted(call="c", tool="predict", arguments={}), "`predict` …"),
        (ToolProgress(call="c", tool="train_model", progress=FIT), "- forest done, roc_auc 0.8765"),
        (ToolFinished(call="c", tool="predict", seconds=1, error="No <b>."), "`predict`: No &lt;b&gt;."),
        (ToolFinished(call="c", tool="predict", seconds=1, result={}), ""),
        (Metric(name="f1", value=0.5, rows="test"), "f1 on test rows: 0.5"),
        (
            ApprovalWanted(approval="a", tool="promote_model", arguments={}, why="Why."),
            "**`promote_model` waits for approval.** Why.",
        ),
        (
            RunFailed(run="r", code="c", sentence="It <i>broke</i>.", hint="Mend."),
            "**It &lt;i&gt;broke&lt;/i&gt;. Mend.**",
        ),
        (RunFinished(run="r"), ""),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_an_event_in_words(event: Event, said: str) -> None:
    assert line_of(event).strip() == said


def test_a_picture_from_elsewhere_is_not_loaded() -> None:
    assert "![" not in inert("see ![x](http://attacker.example/p.png)")
