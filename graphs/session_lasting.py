"""What turns did beyond the conversation: it stays done when they are undone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphs.events import ToolFinished, ToolStarted
from graphs.session_types import Lasting, SessionEvent, TurnRecord
from tools.spec import ToolSpec

NAMES = ("model", "dataset", "run", "monitor", "alias", "name", "previous", "path", "package", "report", "out", "file")
"""Fields of results that say what was made, and where."""


def lasting_of(
    turns: Sequence[TurnRecord], events: Iterable[SessionEvent], tools: Mapping[str, ToolSpec]
) -> Iterator[Lasting]:
    """The calls of `turns` (in order) that changed or made something; `events` begin with the first of them."""
    begun: dict[str, ToolStarted] = {}
    for event in events:
        if isinstance(event, ToolStarted) and event.tool in tools and tools[event.tool].effect != "read":
            begun[event.call] = event
        elif isinstance(event, ToolFinished) and event.call in begun:
            start = begun.pop(event.call)
            if event.result is not None:
                yield _lasting(turns, start, tools, event.result)
    for start in begun.values():
        yield _lasting(turns, start, tools, None)


def _lasting(
    turns: Sequence[TurnRecord],
    start: ToolStarted,
    tools: Mapping[str, ToolSpec],
    result: Mapping[str, object] | None,
) -> Lasting:
    made = {name: str(result[name]) for name in NAMES if result and isinstance(result.get(name), str)}
    return Lasting(
        turn=max(turn.number for turn in turns if turn.first <= start.sequence),
        tool=start.tool,
        effect=tools[start.tool].effect,
        arguments=start.arguments,
        made=made,
        certain=result is not None,
    )
