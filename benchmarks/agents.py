"""What conversations cost: tokens per workflow, milliseconds per turn, and how many one process holds at once.

1. Tokens of a chat that goes load -> profile -> train -> explain -> promote. The offline planner sends none to any
   model; what the same conversation would cost with a language model is counted by agents.tokens: the messages and the
   tool definitions that each answer was made from (prompt), and the answers (completion).
2. Milliseconds of a turn in SQLite beside the model and the tool: one without a tool, one with a tool that reads.
3. N sessions with a turn in flight at the same moment in one process, with a model that gives a token each 50 ms. The
   turns arrive evenly over `--spread` seconds and last until the last one has arrived. The time to the first token,
   from `send` to the event, is compared with that of one session alone, measured just before; through `Sessions.send`,
   and through HTTP, where server and clients share the process. Every first token is 50 ms away at least.

    python -m benchmarks.agents [--sessions 200] [--spread 8] [--only tokens|turns|held|http] [--switch 0.005]
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agents.offline import OfflinePlanner
from agents.scripted import ScriptedModel, call, say
from benchmarks.overhead import workshop_in
from graphs.assistant_types import Decision
from graphs.checkpoints import open_saver
from graphs.events import Event
from graphs.sessions import Sessions
from millwright.compose import inline_workshop
from millwright.settings import Settings

TOKEN_S = 0.05
ALONE = 5
WORKFLOW = (
    "load sample:churn",
    "profile it",
    "train a linear model to predict churned, 5 seconds",
    "which columns matter most?",
    "promote it",
)


class Slow(BaseChatModel):
    """Gives a word each 50 ms, `words` of them."""

    words: int

    @property
    def _llm_type(self) -> str:
        return "slow"

    def bind_tools(self, tools: Sequence[Any], **_: object) -> "Slow":
        return self

    def _generate(self, *_: object, **__: object) -> ChatResult:
        raise NotImplementedError("this model only streams")

    def _stream(self, messages: list[BaseMessage], *_: object, **__: object) -> Iterator[ChatGenerationChunk]:
        for number in range(1, self.words + 1):
            time.sleep(TOKEN_S)
            position = "last" if number == self.words else None
            yield ChatGenerationChunk(message=AIMessageChunk(content="word ", chunk_position=position))


@dataclass
class Firsts:
    """The times to the first token in ms, and how many turns were in flight at most."""

    times: list[float] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0
    failed: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        start, heard = time.perf_counter(), []

        def first() -> None:
            if not heard:
                heard.append(1000 * (time.perf_counter() - start))

        with self.guard:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        yield first
        with self.guard:
            self.in_flight -= 1
            self.times += heard
            self.failed += not heard

    @property
    def p95(self) -> float:
        return sorted(self.times)[int(0.95 * (len(self.times) - 1))]


def tokens_per_workflow() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workshop = inline_workshop(Settings(home=Path(folder)))
        with open_saver(workshop.home) as saver:
            sessions = Sessions(workshop, OfflinePlanner(), saver)
            session = sessions.create().id
            for text in WORKFLOW:
                turn = sessions.send(session, text)
                while turn.approval is not None:
                    turn = sessions.approve(session, turn.approval.approval, Decision(approve=True))
                if turn.error is not None:
                    raise SystemExit(f"{text!r} failed: {turn.error.sentence}")
            used = sessions.export(session)
    calls = sum(len(message.calls) for message in used.messages)
    print(f"tokens of one workflow ({len(WORKFLOW)} turns, {calls} calls)")
    print("with the offline planner, sent to a model: 0")
    print(f"estimated for a language model: {used.tokens.prompt:,} prompt, {used.tokens.completion:,} completion\n")


def turn_overhead(turns: int = 40) -> None:
    print(f"one turn beside model and tool, SQLite, median of {turns} turns in one session")
    for name, answers in (("no tool", [say("Hello.")]), ("one read tool", [call("add", a=1, b=2), say("Three.")])):
        with tempfile.TemporaryDirectory() as folder, open_saver(Path(folder)) as saver:
            sessions = Sessions(workshop_in(Path(folder)), ScriptedModel(script=answers * (turns + 1)), saver)
            session, times = sessions.create().id, []
            for _ in range(turns + 1):
                start = time.perf_counter()
                sessions.send(session, "Hello")
                times.append(1000 * (time.perf_counter() - start))
        print(f"{name:14} {statistics.median(times[1:]):6.1f} ms")
    print()


def spread_over(sessions: int, spread: float, work: Callable[[int], None]) -> None:
    """Begin `work` for each session, evenly over the time, each on a thread of its own."""

    def one(number: int) -> None:
        time.sleep(spread * number / sessions)
        work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def held(count: int, spread: float) -> Firsts:
    """`count` turns through Sessions.send; with one, several after another."""
    words = int((spread + 2) / TOKEN_S) if count > 1 else 10
    with tempfile.TemporaryDirectory() as folder, open_saver(Path(folder)) as saver:
        sessions = Sessions(workshop_in(Path(folder)), Slow(words=words), saver)
        ids = [sessions.create().id for _ in range(count)]
        firsts = Firsts()

        def work(number: int) -> None:
            with firsts.turn() as first:

                def listen(event: Event) -> None:
                    if event.kind == "text":
                        first()

                if sessions.send(ids[number], "Go on.", listen).error is not None:
                    firsts.failed += 1

        for _ in range(ALONE if count == 1 else 1):
            spread_over(count, spread, work)
    return firsts


def held_over_http(count: int, spread: float) -> Firsts:
    """The same through the API: uvicorn on a thread, clients of httpx on an event loop."""
    from api.main import create_app

    words = int((spread + 2) / TOKEN_S) if count > 1 else 10
    with tempfile.TemporaryDirectory() as folder, open_saver(Path(folder)) as saver:
        workshop = workshop_in(Path(folder))
        sessions = Sessions(workshop, Slow(words=words), saver)
        ids = [sessions.create().id for _ in range(count)]
        firsts = Firsts()
        with served(create_app(workshop, sessions)) as url:
            for _ in range(ALONE if count == 1 else 1):
                asyncio.run(_clients(url, ids, spread, firsts))
    return firsts


@contextmanager
def served(app: Any) -> Iterator[str]:  # noqa: ANN401  an ASGI app
    import uvicorn

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


async def _clients(url: str, ids: Sequence[str], spread: float, firsts: Firsts) -> None:
    import httpx

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:

        async def one(number: int) -> None:
            await asyncio.sleep(spread * number / len(ids))
            with firsts.turn() as first:
                place = f"/v1/sessions/{ids[number]}/messages"
                async with client.stream("POST", place, json={"text": "Go on."}) as answer:
                    async for line in answer.aiter_lines():
                        if line.startswith("data:") and json.loads(line[5:])["kind"] == "text":
                            first()

        await asyncio.gather(*(one(number) for number in range(len(ids))))


def compare(name: str, measure: Callable[[int, float], Firsts], count: int, spread: float) -> None:
    alone, many = measure(1, 0), measure(count, spread)
    one, median = statistics.median(alone.times), statistics.median(many.times)
    print(f"{name:14} {many.most:9} {one:8.0f} ms {median:8.0f} ms {many.p95:8.0f} ms {many.p95 / one:7.2f}", end="")
    print(f"   {many.failed} failed" if many.failed else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200, help="turns that are in flight at once")
    parser.add_argument("--spread", type=float, default=8.0, help="seconds over which they arrive")
    parser.add_argument("--only", choices=["tokens", "turns", "held", "http"], help="one part")
    parser.add_argument("--switch", type=float, help="sys.setswitchinterval, in seconds")
    asked = parser.parse_args()
    if asked.switch is not None:
        sys.setswitchinterval(asked.switch)
    if asked.only in (None, "tokens"):
        tokens_per_workflow()
    if asked.only in (None, "turns"):
        turn_overhead()
    if asked.only not in (None, "held", "http"):
        return
    print(f"{asked.sessions} turns arrive over {asked.spread:g} s and stream a token each {1000 * TOKEN_S:.0f} ms")
    print("through        in flight   alone     median       p95    p95/alone")
    if asked.only in (None, "held"):
        compare("Sessions.send", held, asked.sessions, asked.spread)
    if asked.only in (None, "http"):
        compare("HTTP", held_over_http, asked.sessions, asked.spread)


if __name__ == "__main__":
    main()
