"""The events of a conversation as Markdown, and the look of a level."""

import html

from engine.drift.levels import Level
from engine.figures import figure
from engine.progress import FitFinished
from graphs.events import (
    ApprovalWanted,
    Event,
    Metric,
    RunFailed,
    TextDelta,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)

_COLOURS = {Level.GREEN: "bg-green-3", Level.YELLOW: "bg-yellow-4", Level.ORANGE: "bg-orange-4", Level.RED: "bg-red-4"}


def line_of(event: Event) -> str:
    """What the page adds for an event; '' for those that it does not show.

    Text may come from data or from a model: its HTML is shown as text, never run.
    """
    match event:
        case TextDelta(text=text):
            return html.escape(text, quote=False)
        case ToolStarted(tool=tool):
            return f"\n\n`{tool}` …\n\n"
        case ToolFinished(tool=tool, error=str() as error):
            return f"\n\n`{tool}`: {html.escape(error, quote=False)}\n\n"
        case Metric(name=name, value=value, rows=rows):
            return f"\n\n{name} on {rows} rows: {figure(value)}\n\n"
        case ApprovalWanted(tool=tool, why=why):
            return f"\n\n**`{tool}` waits for approval.** {html.escape(why, quote=False)}\n\n"
        case RunFailed(sentence=sentence, hint=hint):
            return f"\n\n**{html.escape(f'{sentence} {hint}'.strip(), quote=False)}**\n\n"
        case ToolProgress(progress=FitFinished(model=model, status=status, metric=metric, validation=score)):
            return f"- {model} {status}" + ("" if score is None else f", {metric} {figure(score)}") + "\n"
        case _:
            return ""


def without_images(markdown: str) -> str:
    """Markdown whose image links are shown as text: a picture from elsewhere tells its server who reads this."""
    return markdown.replace("![", "!&#91;")


def level_classes(level: Level) -> str:
    """Classes for the word of a level: dark letters on its colour, as on the pages of reports."""
    return f"{_COLOURS[level]} text-black text-weight-bold rounded-borders q-px-sm"
