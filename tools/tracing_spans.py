"""Spans kept by OpenTelemetry: in a file of the home, on the terminal, or sent to a collector. Secrets are in none."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from engine.errors import BadSettings, MillwrightError
from engine.files import typed_disk_errors
from engine.redaction import redacted
from tools import tracing
from tools.tracing_file import FILE
from tools.tracing_names import CHAT, ERROR, OPERATION, SCHEMA

Exporter = Literal["file", "console", "otlp"]
_CARRIER = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()


class Spans:
    """A recorder over a provider of ours: the global one is left to whoever uses OpenTelemetry beside us."""

    def __init__(self, processor: SpanProcessor, content: bool) -> None:
        # the libraries that we use may set the global provider up for themselves
        self._provider = TracerProvider(resource=Resource({"service.name": "millwright", "process.pid": os.getpid()}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("millwright", schema_url=SCHEMA)
        self.content = content

    def open(self, name: str, attributes: tracing.Attributes, parent: Context | None = None) -> "OpenSpan":
        """A span that is ended by hand."""
        kind = SpanKind.CLIENT if attributes.get(OPERATION) == CHAT else SpanKind.INTERNAL
        return OpenSpan(self._tracer.start_span(name, parent, kind=kind, attributes=_clean(attributes)))

    @contextmanager
    def span(self, name: str, attributes: tracing.Attributes) -> Iterator[tracing.Told]:
        opened = self.open(name, attributes)
        token = attach(opened.context)
        try:
            yield opened
        except BaseException as error:
            opened.failed(error)
            raise
        finally:
            detach(token)
            opened.end()

    def carried(self) -> str:
        found: dict[str, str] = {}
        _PROPAGATOR.inject(found)
        return found.get(_CARRIER, "")

    @contextmanager
    def within(self, carried: str) -> Iterator[None]:
        token = attach(_PROPAGATOR.extract({_CARRIER: carried}))
        try:
            yield
        finally:
            detach(token)

    def close(self) -> None:
        self._provider.force_flush()


class OpenSpan:
    """A span that has not ended."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def context(self) -> Context:
        """What is opened in this context is within the span."""
        return trace.set_span_in_context(self._span)

    def tell(self, attributes: tracing.Attributes) -> None:
        self._span.set_attributes(_clean(attributes))

    def failed(self, error: BaseException) -> None:
        """Say that it ended with an error: by its code, since its words may quote data."""
        self.tell({ERROR: error.code if isinstance(error, MillwrightError) else type(error).__name__})
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        self._span.end()


class LineExporter(SpanExporter):
    """Spans as lines of JSON at the end of a file, which is the owner's alone; several processes write it at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(f"{json.dumps(_line(span), ensure_ascii=False)}\n" for span in spans)
        try:
            with typed_disk_errors(self._file):
                handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    # one call of the system: lines of two processes never mix
                    os.write(handle, lines.encode())
                finally:
                    os.close(handle)
        except (OSError, MillwrightError):
            return SpanExportResult.FAILURE  # a trace that cannot be kept stops no work
        return SpanExportResult.SUCCESS


def start(exporter: Exporter, home: Path, endpoint: str | None = None, content: bool = False) -> None:
    """Keep the spans of this process from now on; a process that keeps them already is left as it is.

    Raises:
        BadSettings: the package that sends them is not installed.
    """
    if tracing.recorder() is not None:
        return
    from tools.tracing_models import follow_models

    spans = Spans(_processor(exporter, home, endpoint), content)
    tracing.record(spans)
    follow_models(spans)


def _processor(exporter: Exporter, home: Path, endpoint: str | None) -> SpanProcessor:
    if exporter == "file":
        return SimpleSpanProcessor(LineExporter(home / FILE))
    if exporter == "console":
        # stdout is for the answer
        return SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr))
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise BadSettings(
            "Spans cannot be sent: the package that speaks OTLP is not installed.",
            "pip install opentelemetry-exporter-otlp-proto-http, or set MILLWRIGHT_TRACING__EXPORTER=file.",
        ) from error
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))


def _clean(attributes: tracing.Attributes) -> Mapping[str, Any]:
    return {name: redacted(value) for name, value in attributes.items() if value is not None}


def _line(span: ReadableSpan) -> dict[str, object]:
    context, parent = span.get_span_context(), span.parent
    assert context is not None, "a span that was started has one"
    return {
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{parent.span_id:016x}" if parent is not None else None,
        "name": span.name,
        "start": span.start_time,
        "end": span.end_time,
        "process": os.getpid(),
        "failed": span.status.status_code is StatusCode.ERROR,
        "attributes": dict(span.attributes or {}),
    }
