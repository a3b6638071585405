"""An OpenAI-compatible server on the loopback interface that follows a script, faults included.

For tests of everything that speaks to a real endpoint: the client, its retries, a stream that breaks off.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal

from agents.script import Answer, Entry, Script
from engine.errors import BadChoice, MillwrightError

Mode = Literal["normal", "cut_stream", "bad_tool_json", "http_500"]
MODES: tuple[Mode, ...] = ("normal", "cut_stream", "bad_tool_json", "http_500")
PATH = "/v1/chat/completions"


@dataclass
class Loopback:
    """A running server. `requests` are the bodies it received, oldest first; `keys` the Authorization headers."""

    script: Script
    mode: Mode
    times: int | None
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @property
    def used_up(self) -> bool:
        """Whether every turn of the script has been given."""
        return self.script.taken == len(self.script.entries)

    def fault(self) -> Mode:
        """What goes wrong with the request that was just recorded."""
        over = self.times is not None and len(self.requests) > self.times
        return "normal" if over else self.mode


@contextmanager
def serve(script: Sequence[Entry], mode: Mode = "normal", times: int | None = None) -> Iterator[Loopback]:
    """Serve `script` at `.base_url` until the block ends.

    `mode` goes wrong for the first `times` requests (all when None): cut_stream ends a stream in the middle without a
    finish reason, bad_tool_json breaks off a call's arguments, http_500 answers with an error and uses no turn.
    """
    if mode not in MODES:
        raise BadChoice("mode", mode, MODES)
    state = Loopback(Script(script), mode, times)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    # the poll interval bounds how long shutdown waits
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: Loopback


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})
        else:
            self._json(404, _error(f"No such path: {self.path}", "not_found"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != PATH:
            self._json(404, _error(f"No such path: {self.path}", "not_found"))
            return
        state = self.server.state
        state.requests.append(body)
        state.keys.append(self.headers.get("Authorization"))
        fault = state.fault()
        if fault == "http_500":
            self._json(500, _error("The server failed on purpose.", "server_error"))
            return
        try:
            answer = state.script.next(body["messages"])
        except MillwrightError as error:
            self._json(400, _error(str(error), error.code))
            return
        if body.get("stream"):
            self._stream(chunks(answer, body, fault), fault)
        else:
            self._json(200, completion(answer, body, fault))

    def _json(self, status: int, body: dict[str, Any]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, events: Sequence[dict[str, Any]], fault: Mode) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        cut = fault == "cut_stream"
        for event in events[: max(1, len(events) // 2)] if cut else events:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        if not cut:
            self.wfile.write(b"data: [DONE]\n\n")


def completion(answer: Answer, body: dict[str, Any], fault: Mode) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    calls = [_tool_call(answer, place, body, fault) for place in range(len(answer.calls))]
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer, body)}


def chunks(answer: Answer, body: dict[str, Any], fault: Mode) -> list[dict[str, Any]]:
    """The events of a stream, in order."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word + " "} for word in answer.text.split(" ")[:-1]]
    deltas += [{"content": answer.text.split(" ")[-1]}] if answer.text else []
    for place in range(len(answer.calls)):
        whole = _tool_call(answer, place, body, fault)
        arguments = whole["function"]["arguments"]
        opening = {**whole, "index": place, "function": {**whole["function"], "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        for start in range(0, len(arguments), 8):
            piece = {"arguments": arguments[start : start + 8]}
            deltas.append({"tool_calls": [{"index": place, "function": piece}]})
    head = _head(answer, "chat.completion.chunk")
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(answer)}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**head, "choices": [], "usage": _usage(answer, body)})
    return events


def _tool_call(answer: Answer, place: int, body: dict[str, Any], fault: Mode) -> dict[str, Any]:
    item = answer.calls[place]
    arguments = item.json[: len(item.json) * 2 // 3] if fault == "bad_tool_json" else item.json
    identity = answer.call_id(place, len(body["messages"]))
    return {"id": identity, "type": "function", "function": {"name": item.name, "arguments": arguments}}


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{answer.number}", "object": kind, "created": 0, "model": "scripted"}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _usage(answer: Answer, body: dict[str, Any]) -> dict[str, int]:
    """Tokens counted as words, which is what this server reads and writes."""
    prompt = sum(len(str(message.get("content") or "").split()) for message in body["messages"])
    written = len(answer.text.split()) + sum(len(item.json.split()) for item in answer.calls)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _error(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": code, "param": None, "code": code}}
