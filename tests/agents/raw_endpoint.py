"""An endpoint whose every byte a test decides: for what the loopback server with a script does not send."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from langchain_core.language_models import BaseChatModel

from agents.provider import LlmSettings, chat_model


@dataclass(frozen=True)
class Reply:
    """What is sent back. `events` make a stream: dictionaries as they are, text as a raw line.

    `stall_s` waits before the events from `stall_at` on, no longer than the server lives; `drip_s` between all.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[object] | None = None
    stall_s: float = 0.0
    stall_at: int = 0
    drip_s: float = 0.0
    drop: bool = False


Answers = Callable[[dict[str, Any]], Reply]


@dataclass
class Raw:
    """A running endpoint: the bodies and headers it was sent, and when (time.monotonic)."""

    answer: Answers
    base_url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    models: object = None
    over: Event = field(default_factory=Event)


@contextmanager
def raw(*replies: Reply | Answers, models: object = None) -> Iterator[Raw]:
    """Serve the replies in turn; the last one for every further request."""
    state = Raw(_in_turn(replies), models=models)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _in_turn(replies: Sequence[Reply | Answers]) -> Answers:
    left = list(replies)

    def answer(body: dict[str, Any]) -> Reply:
        one = left.pop(0) if len(left) > 1 else left[0]
        return one if isinstance(one, Reply) else one(body)

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: Raw

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        state = self.server.state
        self._send(Reply(status=200 if state.models else 404, body=state.models or {"error": {"message": "none"}}))

    def do_POST(self) -> None:
        state = self.server.state
        state.times.append(time.monotonic())
        state.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state.bodies.append(body)
        self._send(state.answer(body))

    def _send(self, reply: Reply) -> None:
        if reply.drop:
            self.close_connection = True
            self.connection.close()
            return
        if reply.events is None:
            self._whole(reply)
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for place, event in enumerate(reply.events):
            wait = reply.drip_s + (reply.stall_s if place == reply.stall_at else 0)
            if wait and self.server.state.over.wait(wait):
                return
            line = event if isinstance(event, str) else f"data: {json.dumps(event)}"
            self.wfile.write(f"{line}\n\n".encode())
            self.wfile.flush()

    def _whole(self, reply: Reply) -> None:
        if reply.stall_s and self.server.state.over.wait(reply.stall_s):
            return
        plain = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        payload = plain.encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def refusal(status: int, message: str = "No.", headers: Mapping[str, str] | None = None, **more: object) -> Reply:
    """An answer with an HTTP error."""
    body = {"error": {"message": message, "type": "x", "code": None, **more}}
    return Reply(status=status, body=body, headers=headers or {})


def whole(content: str | None = None, calls: object = None, finish: str | None = "stop") -> Reply:
    """An answer in one piece."""
    message = {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    head = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    return Reply(body={**head, "choices": [choice], "usage": usage})


def a_call(arguments: object, name: str | None = "add", id: str | None = "c1") -> dict[str, Any]:
    """A call in the OpenAI shape."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def delta(finish: str | None = None, **fields: object) -> dict[str, Any]:
    """An event of a stream."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def flowing(*deltas: dict[str, Any], finish: str | None = "stop", **how: Any) -> Reply:
    """An answer in a stream, with its end."""
    end: list[object] = [delta(finish), "data: [DONE]"] if finish is not None else []
    return Reply(events=[*deltas, *end], **how)


def said(*words: str, finish: str | None = "stop", **how: Any) -> Reply:
    """Words in a stream."""
    return flowing(*(delta(content=word) for word in words), finish=finish, **how)


def either(body: dict[str, Any], words: str = "fine") -> Reply:
    """A good answer, in a stream where that is asked for."""
    return said(words) if body.get("stream") else whole(words)


def chat(server: Raw, **changes: object) -> BaseChatModel:
    """A chat model on the endpoint, quick to give up."""
    usual = {"timeout_s": 2, "backoff_s": 0.01, "max_retries": 2, "deadline_s": 20}
    values = {"provider": "openai", "model": "m", "base_url": server.base_url, **usual, **changes}
    return chat_model(LlmSettings.model_validate(values))
