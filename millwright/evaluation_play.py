"""Playing one scenario: a fresh home, the same graphs as everywhere, and a record of what happened."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.budget import OWNER, BudgetSpent
from agents.budget_purse import Purse
from engine.alerts.settings import AlertSettings
from engine.errors import BadArguments, MillwrightError
from graphs.assistant_types import Decision
from graphs.chains import answer_chain
from graphs.checkpoints import open_saver
from graphs.documents import search_of
from graphs.events import ClaimsChecked, Emit, Event, ToolFinished, ToolStarted
from graphs.research_types import ResearchRequest
from graphs.researches import start_research
from graphs.run_types import RunRequest, StepWaiting
from graphs.runs import start_run
from graphs.sessions import Sessions, Turn
from millwright.budgets import metered_mind, owners_purse, price_of
from millwright.compose import made_home, open_workshop
from millwright.evaluation_trace import MadeCall, Stated, StepTrace, Trace, Wanted, filled, stated_in
from millwright.evaluation_types import AnyStep, AskStep, ResearchStep, RunStep, SayStep, Scenario, Table
from millwright.orchestrate import Office, agent_tools
from millwright.settings import Settings
from rag.index import build_index
from rag.load import load_documents
from rag.tool import index_folder
from tools.catalogue import invoke

FILES = "files"
DOCUMENTS = "documents"


def play(scenario: Scenario, settings: Settings, home: Path) -> Trace:
    """Play a scenario with the model of `settings` in `home`, which must not exist yet and is removed again.

    What it spends is charged to the home of `settings`, whose limits hold.

    Raises:
        BadArguments: the scenario names a result that nothing prepared.
        BudgetSpent: the home of `settings` may spend no more.
        MillwrightError: what stopped its preparation. What stops a step is an outcome of the step.
    """
    apart, purse = _inside(settings, home), owners_purse(settings, made_home(settings.home))
    try:
        with (
            open_workshop(apart, inline=True) as workshop,
            open_saver(workshop.home) as saver,
            metered_mind(apart, purse) as model,
        ):
            tools = {**workshop.tools, **agent_tools(model, saver, apart)}
            office = Office(replace(workshop, tools=tools), model, saver, apart, purse)
            stage = _Stage(scenario, office, purse)
            stage.prepare()
            return stage.trace(tuple(stage.step(step) for step in scenario.steps))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _inside(settings: Settings, home: Path) -> Settings:
    """The settings for a home of its own: the user's databases, tracking and alert channels are left alone."""
    apart = {"home": home, "database_url": None, "tracking_uri": None, "alerts": AlertSettings()}
    return settings.model_copy(update=apart)


@dataclass
class _Heard:
    """The events of one step and what was said to its questions."""

    events: list[Event] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)


@dataclass
class _Stage:
    """One scenario under way. `seen` counts the messages of its conversation that were looked at."""

    scenario: Scenario
    office: Office
    purse: Purse
    names: dict[str, object] = field(default_factory=dict)
    session: str = ""
    seen: int = 0

    def __post_init__(self) -> None:
        self.sessions: Sessions = self.office.sessions()

    @property
    def folder(self) -> Path:
        return self.office.workshop.home / FILES

    def prepare(self) -> None:
        """Write the files, index the documents, make the calls before the first step."""
        self.folder.mkdir()
        self.names[FILES] = str(self.folder)
        for name, content in self.scenario.files.items():
            (self.folder / name).write_text(content.text() if isinstance(content, Table) else content, "utf-8")
        if self.scenario.documents:
            _index(self.office.workshop.home, self.scenario.documents)
        for number, call in enumerate(self.scenario.before):
            arguments = self.filled(call.arguments)
            result = invoke(self.office.workshop, call.tool, arguments, call_id=f"before-{number}")
            self.names[call.name] = result.model_dump(mode="json")

    def filled(self, value: Any) -> Any:  # noqa: ANN401  JSON
        """JSON with the names that this scenario prepared put in.

        Raises:
            BadArguments: nothing of that name was prepared.
        """
        try:
            return filled(value, self.names)
        except LookupError as error:
            raise BadArguments(
                f"Scenario {self.scenario.id!r} names {{{error.args[0]}}}, which nothing prepared.",
                f"There is: {', '.join(self.names)}.",
            ) from None

    def step(self, step: AnyStep) -> StepTrace:
        """Play a step. What stops it is how it ended.

        Raises:
            BudgetSpent: as `play`.
        """
        heard, start, before = _Heard(), time.monotonic(), self.purse.spent
        try:
            done = self._done(step, heard)
        except MillwrightError as error:
            _raise_if_spent(error)
            calls = tuple(_begun(heard.events, stopped=False, by_model=False))
            done = StepTrace("", "failed", calls, tuple(heard.wanted), error=error.code)
        spent, priced = self.purse.spent, price_of(self.office.settings) is not None
        return replace(
            done,
            said=self.filled(step.what),
            seconds=time.monotonic() - start,
            prompt_tokens=spent.prompt - before.prompt,
            completion_tokens=spent.completion - before.completion,
            cost=spent.money - before.money if priced else None,
            taken_back=sum(len(event.taken_back) for event in heard.events if isinstance(event, ClaimsChecked)),
        )

    def _done(self, step: AnyStep, heard: _Heard) -> StepTrace:
        match step:
            case SayStep():
                return self._say(step, heard)
            case RunStep():
                return self._run(step, heard)
            case ResearchStep():
                return self._research(step, heard)
            case AskStep():
                return self._ask(step)

    def _say(self, step: SayStep, heard: _Heard) -> StepTrace:
        self.session = self.session or self.sessions.create(memory=self.scenario.memory).id
        line = self.filled(step.say)
        with _cancelling(self.sessions, self.session, step.cancel_at, heard.events) as emit:
            turn = self.sessions.send(self.session, line, emit)
            while turn.approval is not None:
                turn = self._answered(turn, step, heard, emit)
        if turn.cause is not None:
            _raise_if_spent(turn.cause)
        record = self.sessions.turns(self.session)[-1]
        calls = (*_begun(heard.events, stopped=step.cancel_at is not None), *_declined(heard.wanted))
        unread = tuple(self._unread(calls, heard))
        if record.state == "done":  # calls of a turn that was given up were never meant to begin
            calls = (*calls, *unread)
        checked = [event for event in heard.events if isinstance(event, ClaimsChecked)]
        stated = tuple(Stated(claim.value, claim.grounded) for event in checked for claim in event.claims)
        return StepTrace(turn.text, record.state, calls, tuple(heard.wanted), stated, error=record.error)

    def _answered(self, turn: Turn, step: SayStep, heard: _Heard, emit: Emit) -> Turn:

        assert turn.approval is not None
        heard.wanted.append(Wanted(turn.approval.tool, turn.approval.arguments, step.approve))
        return self.sessions.approve(self.session, turn.approval.approval, Decision(approve=step.approve), emit)

    def _unread(self, known: Sequence[MadeCall], heard: _Heard) -> Iterator[MadeCall]:
        """Calls of this turn that were never begun, and that no person declined: what they asked for made no sense."""
        messages = self.sessions.export(self.session).messages
        made = [call for message in messages[self.seen :] for call in message.calls]
        self.seen = len(messages)
        begun = {event.call for event in heard.events if isinstance(event, ToolStarted)}
        declined = Counter(call.tool for call in known if call.error is None and call.result is None)
        for call in made:
            if call.id in begun:
                continue
            if declined[call.tool] > 0:
                declined[call.tool] -= 1
                continue
            yield MadeCall(call.tool, call.arguments, error=call.error or "It was not begun.")

    def _run(self, step: RunStep, heard: _Heard) -> StepTrace:

        def approve(wanted: StepWaiting) -> bool:
            heard.wanted.append(Wanted(wanted.tool, wanted.arguments, step.approve))
            return step.approve

        office = self.office
        given = {**self.filled(step.options), "goal": self.filled(step.run), "data": self.filled(step.data)}
        summary = start_run(
            office.workshop, office.model, office.saver, RunRequest.of(**given),
            approve=lambda plan: step.approve, emit=heard.events.append, approve_step=approve,
        )  # fmt: skip
        whole = MadeCall("run", given, summary.model_dump(mode="json"), counts=False)
        calls = (*_begun(heard.events, stopped=False, by_model=False), whole)
        text = f"{summary.metric.name} {summary.metric.value:.4g} on the sealed test rows"
        return StepTrace(text, "done", calls, tuple(heard.wanted))

    def _research(self, step: ResearchStep, heard: _Heard) -> StepTrace:

        office = self.office
        request = ResearchRequest.of(question=self.filled(step.research), **self.filled(step.options))
        search = search_of(office.workshop.home)
        found = start_research(
            office.workshop, office.model, office.saver, request, search=search, emit=heard.events.append
        )
        whole = MadeCall("research", request.model_dump(mode="json"), found.model_dump(mode="json"), counts=False)
        calls = (*_begun(heard.events, stopped=False, by_model=False), whole)
        held = found.claims_checked - found.claims_struck
        stated = (Stated("a claim", True),) * held + (Stated("a claim", False),) * found.claims_struck
        text = "\n".join(finding.text for finding in found.findings)
        return StepTrace(text, "done", calls, (), stated)

    def _ask(self, step: AskStep) -> StepTrace:

        office, question = self.office, self.filled(step.ask)
        chain = answer_chain(office.workshop, office.model, search_of(office.workshop.home))
        answer = chain.invoke(question)
        whole = MadeCall("ask", {"question": question}, answer.model_dump(mode="json"), counts=False)
        # what the reading tools told the chain is not heard here, and the chain strikes what they do not hold
        documents = {"id": "documents", "texts": list(self.scenario.documents.values()), "said": question}
        stated = stated_in(answer.text, [documents]) if answer.basis == "documents" else ()
        return StepTrace(answer.text, "done", (whole,), (), stated)

    def trace(self, steps: tuple[StepTrace, ...]) -> Trace:
        """What happened in all."""
        workshop = self.office.workshop
        records = workshop.registry.list()
        return Trace(
            steps=steps,
            names=self.names,
            effects={name: spec.effect for name, spec in workshop.tools.items()},
            models=len(records),
            datasets=len(workshop.datasets.list()),
            champion=any("champion" in record.aliases for record in records),
        )


def _index(home: Path, documents: Mapping[str, str]) -> None:
    folder = home / DOCUMENTS
    folder.mkdir()
    for name, text in documents.items():
        (folder / name).write_text(text, "utf-8")
    build_index(index_folder(home), load_documents(folder).documents)


def _begun(events: Sequence[Event], *, stopped: bool, by_model: bool = True) -> Iterator[MadeCall]:
    """The calls that were begun, in order; `stopped` where a person gave the turn up."""
    ends = {event.call: event for event in events if isinstance(event, ToolFinished)}
    for event in events:
        if isinstance(event, ToolStarted):
            end = ends.get(event.call)
            result, error = (end.result, end.error) if end is not None else (None, None)
            counts = by_model and end is not None and not (stopped and result is None)
            yield MadeCall(event.tool, event.arguments, result, error, counts)


def _declined(wanted: Sequence[Wanted]) -> Iterator[MadeCall]:
    return (MadeCall(one.tool, one.arguments, counts=False) for one in wanted if not one.yes)


@contextmanager
def _cancelling(sessions: Sessions, session: str, tool: str | None, events: list[Event]) -> Iterator[Emit]:
    """A listener that keeps the events, and gives the turn up once `tool` begins, as a person elsewhere would."""
    tools = (tool or "").split("|")
    threads: list[threading.Thread] = []

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, ToolStarted) and event.tool in tools and not threads:
            threads.append(threading.Thread(target=sessions.cancel, args=(session,), name="cancel", daemon=True))
            threads[0].start()

    try:
        yield emit
    finally:
        for thread in threads:
            thread.join()


def _raise_if_spent(error: MillwrightError) -> None:
    """Raise what ends the evaluation: the home itself may spend no more. A session's own limit is an outcome."""
    if isinstance(error, BudgetSpent) and error.account.name.startswith(f"{OWNER}:"):
        raise error
