"""The events of a conversation as Markdown, and the look of a level."""

import html
import re
from collections.abc import Mapping, Sequence

from engine.drift.levels import Level
from engine.figures import figure
from engine.progress import FitFinished
from graphs.events import (
    ApprovalWanted,
    CheckedClaim,
    ClaimsChecked,
    Event,
    Handover,
    Metric,
    RunFailed,
    TextDelta,
    TextRevised,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)

MARKDOWN = ["fenced-code-blocks", "tables", "strike"]
"""What the Markdown of a conversation may have beside the usual: claims that nothing holds are struck in it."""
_LINK = re.compile(r"\](?=\s*[(:\[])")
"""What makes a link of the words before it: an address, or the name of one."""
_COLOURS = {Level.GREEN: "bg-green-3", Level.YELLOW: "bg-yellow-4", Level.ORANGE: "bg-orange-4", Level.RED: "bg-red-4"}


def line_of(event: Event) -> str:
    """What the page adds for an event; '' for those that it does not show.

    Text may come from data or from a model: its HTML is shown as text, never run.
    """
    match event:
        case TextDelta(text=text):
            return html.escape(text, quote=False)
        case Handover(agent=agent, task=task):
            return f"\n\n**{html.escape(agent, quote=False)}**: {html.escape(task, quote=False)}\n\n"
        case ToolStarted(tool=tool):
            return f"\n\n`{_text(tool)}` …\n\n"
        case ToolFinished(tool=tool, error=str() as error):
            return f"\n\n`{_text(tool)}`: {_text(error)}\n\n"
        case Metric(name=name, value=value, rows=rows):
            return f"\n\n{name} on {rows} rows: {figure(value)}\n\n"
        case ApprovalWanted(tool=tool, why=why):
            return f"\n\n**`{_text(tool)}` waits for approval.** {_text(why)}\n\n"
        case RunFailed(sentence=sentence, hint=hint):
            return f"\n\n**{html.escape(f'{sentence} {hint}'.strip(), quote=False)}**\n\n"
        case ToolProgress(progress=FitFinished(model=model, status=status, metric=metric, validation=score)):
            return f"- {model} {status}" + ("" if score is None else f", {metric} {figure(score)}") + "\n"
        case _:
            return ""


class Wording:
    """What a page shows of a turn: the events so far as Markdown. What was taken back is gone, and a figure says on a
    touch which result it comes from."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._answer: list[tuple[int, str]] = []
        """Where the pieces of the answer under way stand among the parts, each with its text."""
        self._tools: dict[str, str] = {}

    @property
    def markdown(self) -> str:
        """The whole, of which nothing is live."""
        return inert("".join(self._parts))

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case TextRevised(deltas=deltas):
                for place, _ in self._answer[-deltas:]:
                    self._parts[place] = ""
                self._answer = self._answer[:-deltas]
                return
            case ClaimsChecked():
                self._name_sources(event)
            case ToolStarted():
                self._tools[event.call] = event.tool
        if isinstance(event, TextDelta):
            self._answer.append((len(self._parts), event.text))
        else:
            self._answer = []
        self._parts.append(line_of(event))

    def say(self, text: str) -> None:
        """Add words that no event told."""
        self._parts.append(_text(text))

    def _name_sources(self, event: ClaimsChecked) -> None:
        text = "".join(piece for _, piece in self._answer)
        if not self._answer or any(not text[slice(*claim.span)] for claim in event.claims):
            return
        for place, _ in self._answer:
            self._parts[place] = ""
        self._parts[self._answer[0][0]] = _with_sources(text, event.claims, self._tools)


def _with_sources(text: str, claims: Sequence[CheckedClaim], tools: Mapping[str, str]) -> str:
    """The text, each of whose proved figures has the result that it comes from as a title."""
    out, end = [], 0
    for claim in claims:
        start, stop = claim.span
        # in `code marks` a mark of HTML would be shown as it is
        if claim.result is None or start < end or text[start - 1 : start] == "`":
            continue
        source = html.escape(f"{tools.get(claim.result, '')} {claim.result}".strip())
        out += [_text(text[end:start]), f'<abbr title="{source}">{_text(text[start:stop])}</abbr>']
        end = stop
    return "".join([*out, _text(text[end:])])


def inert(markdown: str) -> str:
    """Markdown whose pictures and links are shown as text: what is fetched from elsewhere, or pressed, tells its server
    what stands in the address."""
    return _LINK.sub("]\u2060", markdown.replace("![", "!&#91;"))


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def level_classes(level: Level) -> str:
    """Classes for the word of a level: dark letters on its colour, as on the pages of reports."""
    return f"{_COLOURS[level]} text-black text-weight-bold rounded-borders q-px-sm"
