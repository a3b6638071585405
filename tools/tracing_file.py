"""The spans that were kept in the home's file, read back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from engine.errors import NotFound
from tools.lines import LineFile
from tools.tracing_names import CONVERSATION, INPUT_TOKENS, JOB, OUTPUT_TOKENS, RUN

FILE = "traces.jsonl"
_ABOUT = (CONVERSATION, RUN, JOB)


class KeptSpan(BaseModel):
    """One span. `start` and `end` are nanoseconds since 1970; `process` is the id of the process that it was in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trace: str
    span: str
    parent: str | None
    name: str
    start: int
    end: int
    process: int
    failed: bool
    attributes: dict[str, object]

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1e9


def kept_spans(home: Path) -> Iterator[KeptSpan]:
    """All spans of a home, in the order in which they ended; a line that cannot be read is passed over."""
    for line in LineFile(home / FILE).lines():
        with suppress(ValueError):
            yield KeptSpan.model_validate(json.loads(line))


def traces_of(home: Path, name: str) -> list[list[KeptSpan]]:
    """The traces that a session, run or job is in, oldest first, each with its spans by their start.

    Raises:
        NotFound: no span names it.
    """
    spans = list(kept_spans(home))
    named = {span.trace for span in spans if any(span.attributes.get(key) == name for key in _ABOUT)}
    if not named:
        raise NotFound(
            "trace", name, hint="Spans are kept from when MILLWRIGHT_TRACING__EXPORTER=file is set, and not before."
        )
    traces = [sorted((span for span in spans if span.trace == trace), key=lambda span: span.start) for trace in named]
    return sorted(traces, key=lambda trace: trace[0].start)


def as_lines(spans: Sequence[KeptSpan]) -> list[str]:
    """The spans of one trace as a tree, each with its seconds; what has lost its parent stands at the top."""
    ids = {span.span for span in spans}
    within: dict[str | None, list[KeptSpan]] = {}
    for span in spans:
        within.setdefault(span.parent if span.parent in ids else None, []).append(span)

    def told(parent: str | None, depth: int) -> Iterator[str]:
        for span in within.get(parent, []):
            yield f"{span.seconds:9.3f} s  {'  ' * depth}{span.name}{_more(span)}"
            yield from told(span.span, depth + 1)

    return list(told(None, 0))


def _more(span: KeptSpan) -> str:
    tokens = [f"{span.attributes[name]} {word}" for name, word in ((INPUT_TOKENS, "in"), (OUTPUT_TOKENS, "out"))
              if name in span.attributes]  # fmt: skip
    words = [*([f"({', '.join(tokens)} tokens)"] if tokens else []), *(["failed"] if span.failed else [])]
    return "".join(f"  {word}" for word in words)
