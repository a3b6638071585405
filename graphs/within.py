"""A graph or a crew that works inside one tool call: what it says becomes the progress of that call."""

from engine.progress import Note, StageStarted, Watch, silent
from graphs.events import Emit, Event, Handover, TextDelta, ToolFinished, ToolProgress, ToolStarted, unheard


def as_progress(watch: Watch) -> Emit:
    """A listener that passes on who works, what is called and fitted, what failed and what is said."""
    if watch is silent:
        return unheard

    def hear(event: Event) -> None:
        match event:
            case Handover(agent=agent, task=task):
                watch(StageStarted(stage=agent, detail=task))
            case ToolStarted(tool=tool):
                watch(StageStarted(stage=tool))
            case ToolProgress(progress=progress):
                watch(progress)
            case ToolFinished(tool=tool, error=str() as error):
                watch(Note(text=f"{tool}: {error}"))
            case TextDelta(text=text) if text.strip():
                watch(Note(text=text.strip()))

    return hear
