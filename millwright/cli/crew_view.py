"""Who of a crew works, and on what, while it does: on stderr."""

import sys
from contextlib import ExitStack

from graphs.events import Artifact, Event, Handover, TextDelta, ToolFinished, ToolProgress, ToolStarted
from millwright.cli.live import Course, View, open_view
from millwright.cli.plain import plain


class CrewView:
    """Renders the events of a crew. A tool's progress is shown from its start to its end."""

    def __init__(self, budget: float | None = None) -> None:
        self._course = Course(budget)
        self._open = ExitStack()
        self._view: View | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Handover(agent=agent, task=task):
                self._say(f"[{agent}] {task}")
            case TextDelta(text=text):
                self._say(text.rstrip("\n"))
            case Artifact(name=name, path=path):
                self._say(f"  {name}: {path}")
            case ToolStarted(tool=tool):
                self.close()
                self._view = self._open.enter_context(open_view(self._course))
                self._view.say(f"> {tool}")
            case ToolProgress(progress=progress) if self._view is not None:
                self._view.progress(progress)
            case ToolFinished(tool=tool, error=error, seconds=seconds):
                self.close()
                self._say(f"  {error}" if error else f"  {tool}: {seconds:.1f} s")

    def close(self) -> None:
        """End what is shown of a tool."""
        self._open.close()
        self._view = None

    def _say(self, text: str) -> None:
        if self._view is not None:
            self._view.say(text)
        else:
            print(plain(text), file=sys.stderr, flush=True)
