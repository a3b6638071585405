"""Where spans are opened: a turn, a node of a graph, a call of a model or a tool, a job. Nothing happens while no
recorder is set, and nothing of OpenTelemetry is loaded (`tools.tracing_spans.start` sets one).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Value = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Value | None]


class Told(Protocol):
    """A span while it is open."""

    def tell(self, attributes: Attributes) -> None:
        """Add attributes; those that are None are left out."""
        ...


class Recorder(Protocol):
    """What keeps spans."""

    @property
    def content(self) -> bool:
        """Whether the content of messages, arguments and results is kept too."""
        ...

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[Told]:
        """A span within the one that is open here, ended with the block."""
        ...

    def carried(self) -> str:
        """The span that is open here, as another process is told of it (W3C traceparent); '' for none."""
        ...

    def within(self, carried: str) -> AbstractContextManager[None]:
        """Spans of the block belong to the trace of another process."""
        ...

    def close(self) -> None:
        """Hand on what is kept."""
        ...


class _Untold:
    def tell(self, attributes: Attributes) -> None:
        """Nobody listens."""


_UNTOLD: AbstractContextManager[Told] = nullcontext(_Untold())
_NOTHING: AbstractContextManager[None] = nullcontext()
_recorder: Recorder | None = None
"""One for the process: spans come from everywhere in it, and belong to one trace."""


def record(recorder: Recorder | None) -> None:
    """Have spans kept by `recorder` from now on, or by nobody."""
    global _recorder
    _recorder = recorder


def recorder() -> Recorder | None:
    """What keeps spans in this process."""
    return _recorder


def span(name: str, attributes: Attributes) -> AbstractContextManager[Told]:
    """A span around a block, within the one that is open; an error that leaves it is told by its code."""
    return _UNTOLD if _recorder is None else _recorder.span(name, attributes)


def carried() -> str:
    """The open span for another process to go on within; '' where none is kept."""
    return "" if _recorder is None else _recorder.carried()


def within(carried: str) -> AbstractContextManager[None]:
    """Go on within the span of another process."""
    return _NOTHING if _recorder is None or not carried else _recorder.within(carried)


def keeps_content() -> bool:
    """Whether content is told too."""
    return _recorder is not None and _recorder.content


def close() -> None:
    """Hand on what is kept, before the process ends."""
    if _recorder is not None:
        _recorder.close()
