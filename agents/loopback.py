"""An OpenAI-compatible server on the loopback interface that follows a script, faults and bad models included.

For tests of everything that speaks to a real endpoint: the client, its retries, a stream that breaks off, and what an
application makes of a model that lies, loops, or obeys whatever it reads.
"""

import json
import select
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from agents.loopback_minds import answer_to
from agents.loopback_modes import MINDS, MODES, NORMAL, Modes, modes_named
from agents.loopback_wire import chunks, completion, finish, problem, tool_calls
from agents.script import Answer, Entry, Script
from engine.errors import MillwrightError

__all__ = ["MODES", "Loopback", "Sent", "serve"]

MODEL = "scripted"
PATH = "/v1/chat/completions"
RETRY_AFTER_S = 1
"""What a 429 asks its client to wait; clients that obey make a test this much longer."""
DRIP_S = 0.05
"""Seconds between two pieces of a slow answer."""
_LOOK_S = 0.02
_HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>"


@dataclass
class Sent:
    """One answer that was begun: its text as it was meant, and name and arguments of each call as they went out.

    `whole`: the last byte went out too, with a reason to stop that is none to distrust it.
    """

    mode: str
    text: str
    calls: tuple[tuple[str, str], ...]
    whole: bool = False


@dataclass
class Loopback:
    """A running server.

    `requests` are the bodies it received, oldest first; `keys` the Authorization headers; `sent` the answers. `modes`
    take turns over the first `times` requests (all when None); then the script is followed soundly.
    """

    script: Script
    modes: tuple[str, ...] = (NORMAL,)
    times: int | None = None
    base_url: str = ""
    retry_after_s: float = RETRY_AFTER_S
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    closing: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def used_up(self) -> bool:
        """Whether every turn of the script has been given."""
        return self.script.taken == len(self.script.entries)

    def improvises(self, mode: str) -> bool:
        """Whether the server finds words and calls of its own: with an empty script in any mode but 'normal', and as a
        bad model also when the script has ended."""
        return self.used_up and (not self.script.entries or mode in MINDS) and self.modes != (NORMAL,)

    def received(self, body: dict[str, Any], key: str | None) -> str:
        """Take down a request; the mode that it is answered in."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.keys.append(key)
        over = self.times is not None and number >= self.times
        return NORMAL if over else self.modes[number % len(self.modes)]


@contextmanager
def serve(
    script: Sequence[Entry], mode: Modes = None, times: int | None = None, retry_after_s: float = RETRY_AFTER_S
) -> Iterator[Loopback]:
    """Serve `script` at `.base_url` until the block ends.

    Args:
        script: turns, as of ScriptedModel. A turn whose answer did not arrive is given again. With an empty script and
            a mode that is not 'normal' the server answers by itself: it calls a tool that it is offered, then ends.
            In the modes of a bad model it goes on by itself after the script's end.
        mode: what goes wrong (`MODES`, or a status from 400 to 599), or several that take turns. None: nothing.
        times: for how many requests, from the first on; all when None.
        retry_after_s: what a 429 says.

    Raises:
        BadChoice: an unknown mode.
        ScriptError: an entry that is no turn.
    """
    state = Loopback(Script(script), modes_named(mode), times, retry_after_s=retry_after_s)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    # the poll interval bounds how long shutdown waits
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    state: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is none of the server's failures."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "millwright"}
        if self.path == "/v1/models":
            self._json(200, {"object": "list", "data": [model]})
        elif self.path == f"/v1/models/{MODEL}":
            self._json(200, model)
        else:
            self._json(404, problem(f"No such path: {self.path}", "not_found"))

    def do_POST(self) -> None:
        state, raw = self.server.state, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != PATH:
            self._json(404, problem(f"No such path: {self.path}", "not_found"))
            return
        try:
            body = json.loads(raw)
            messages = body["messages"]
        except (ValueError, KeyError, TypeError):
            self._json(400, problem("The body is not a JSON object with messages.", "invalid_request_error"))
            return
        if not isinstance(messages, list) or not messages:
            self._json(400, problem("There are no messages.", "invalid_request_error"))
            return
        mode = state.received(body, self.headers.get("Authorization"))
        if mode.isdigit():
            self._refuse(int(mode), state.retry_after_s)
            return
        if mode == "html":
            self._send(200, "text/html; charset=utf-8", _HTML.encode())
            return
        try:
            answer = answer_to(body, mode, state.script, state.improvises(mode))
        except MillwrightError as error:
            self._json(400, problem(str(error), error.code))
            return
        self._answer(answer, body, mode)

    def _answer(self, answer: Answer, body: dict[str, Any], mode: str) -> None:
        calls = [one["function"] for one in tool_calls(answer, body, mode)]
        sent = Sent(mode, answer.text, tuple((one["name"], one["arguments"]) for one in calls))
        self.server.state.sent.append(sent)
        sound = finish(answer, mode) in ("stop", "tool_calls") and mode != "no_choices"
        for last in self._stream(answer, body, mode) if body.get("stream") else self._at_once(answer, body, mode):
            # said before the last bytes go: a client that has them may look at once
            sent.whole = sound
            self.wfile.write(last)

    def _at_once(self, answer: Answer, body: dict[str, Any], mode: str) -> Iterator[bytes]:
        """Send the answer in one piece, but for its last bytes; none are left where it breaks off before."""
        payload = json.dumps(completion(answer, body, mode)).encode()
        if mode == "stall":
            self._wait()
            return
        if mode == "garbage":
            self._send(200, "application/json", payload[: len(payload) // 2] + b"\x00\xff}{")
            return
        if mode == "error_event":
            self._json(200, {**problem("The model crashed.", "internal_error"), "choices": None})
            return
        if mode == "slow_drip":
            self._wait(DRIP_S * 10)
        broken = mode in ("reset", "cut_stream")
        self._send(200, "application/json", payload, len(payload) // 2 if broken else -1)
        if mode == "reset":
            self._reset()
        if not broken:
            yield payload[-1:]

    def _stream(self, answer: Answer, body: dict[str, Any], mode: str) -> Iterator[bytes]:
        """Send the answer as events, but for the last one; none is left where it breaks off before."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        events = chunks(answer, body, mode)
        broken = mode in ("stall", "reset", "cut_stream", "garbage", "error_event")
        *before, last = [json.dumps(event) for event in (events[: max(1, len(events) // 2)] if broken else events)]
        for event in before:
            self._event(event)
            if mode == "slow_drip":
                self._wait(DRIP_S)
        if not broken:
            yield f"data: {last}\n\ndata: [DONE]\n\n".encode()
            return
        self._event(last)
        if mode == "garbage":
            self._event('{"id": "chatcmpl-0", "choices": [{"delta": <<<\x00')
        if mode == "error_event":
            self._event(json.dumps(problem("The model crashed.", "internal_error")))
        if mode == "stall":
            self._wait()
        if mode == "reset":
            self._reset()

    def _event(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())

    def _refuse(self, status: int, retry_after_s: float) -> None:
        code = "rate_limit_exceeded" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        more = {"Retry-After": f"{retry_after_s:g}"} if status == 429 else {}
        body = json.dumps(problem(f"The server answers {status} on purpose.", code)).encode()
        self._send(status, "application/json", body, headers=more)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(
        self, status: int, kind: str, payload: bytes, only: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send `payload`, or its first bytes `only` under the length of the whole."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(payload)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload[:only])

    def _wait(self, seconds: float = float("inf")) -> None:
        """Do nothing for so long, or until the client leaves or the server ends."""
        waited = 0.0
        while waited < seconds and not self.server.state.closing.wait(min(_LOOK_S, seconds - waited)):
            waited += _LOOK_S
            if select.select([self.connection], [], [], 0)[0] and not self._speaks():
                return

    def _speaks(self) -> bool:
        with suppress(OSError):
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        return False

    def _reset(self) -> None:
        """End the connection with a reset, once the last file over it is closed."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
