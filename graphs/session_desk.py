"""The work on one session at a time: who holds it, how a turn is run to where it stops, and how it is given up."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from agents.budget import EVERYBODY, NO_LIMITS, SESSION, Account, BudgetSpent, Limits, Spent, account
from agents.budget_purse import Purse, purse_of, spending
from agents.budget_store import Meter
from agents.repeats import done_in
from engine.errors import JobFailed, MillwrightError
from engine.redaction import scrub
from graphs.assistant_calls import call_name
from graphs.assistant_types import AssistantContext, AssistantState
from graphs.calls import cancel_call
from graphs.events import Emit, RunFailed, RunFinished
from graphs.lease import lease
from graphs.session_store import SessionFolder, SessionStore
from graphs.session_thread import Graph, Stand, Thread
from graphs.session_turn import Hearing, TurnCancelled
from graphs.session_types import TURN_CANCELLED, Price, SessionInfo, Tokens, Turn, TurnRecord, TurnState, Undone
from tools import tracing_names as names
from tools.jobs import INTERNAL_CODE
from tools.tracing import span
from tools.workshop import Workshop

log = logging.getLogger("millwright.sessions")
STEPS_PER_ANSWER = 50
"""An answer of the model may hold several calls, each a step; the graph counts its own bound in answers."""


@dataclass(frozen=True)
class Work:
    """What the one worker of a session has in hand."""

    info: SessionInfo
    folder: SessionFolder
    thread: Thread
    emit: Hearing


@dataclass(frozen=True)
class Desk:
    """What every session of a home is worked on with. `context` is complete but for what differs by session.

    `meter` counts what is spent, for the session and for its `owner`; `limits` are those of a session without its own.
    """

    store: SessionStore
    graph: Graph
    context: AssistantContext
    price: Price | None
    meter: Meter
    limits: Limits = NO_LIMITS
    owner: Account = EVERYBODY

    @property
    def workshop(self) -> Workshop:
        return self.context.workshop

    def thread(self, session: str) -> Thread:
        """The thread of a session.

        Raises:
            NotFound: `session_not_found`.
        """
        self.store.folder(session)
        return Thread(self.graph, session)

    @contextmanager
    def working(self, session: str, emit: Emit) -> Iterator[Work]:
        """Hold a session alone, with an undo that a crash broke off finished.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`.
        """
        with lease(self.store.folder(session).path, "session", session):
            folder = self.store.folder(session)  # it may have been deleted in between
            work = Work(folder.info(), folder, Thread(self.graph, session), Hearing(folder, self.workshop.jobs, emit))
            try:
                self.finish_undo(work)
                yield work
            finally:
                folder.close()

    def turn(
        self,
        work: Work,
        record: TurnRecord,
        given: AssistantState | Command[Any] | None,
        workshop: Workshop | None = None,
    ) -> Turn:
        """Run the graph from what is `given` to where it stops; whatever happens is told and recorded."""
        work.folder.want_cancel(False)
        work.folder.record([record])
        purse = purse_of(self.meter, self.owner, self.account_of(work.info))
        cause = self._run(work, purse, given, workshop)
        record = record.model_copy(update={"tokens": _and_more(record.tokens, purse.spent)})
        if cause is None:
            return self.end(work, record)
        # e.g. a job that was stopped before it had begun
        given_up = work.folder.cancel_wanted and getattr(cause, "code", "") != INTERNAL_CODE
        if given_up or isinstance(cause, TurnCancelled):
            return self.give_up(work, record)
        return self._failed(work, record, cause, "failed")

    def _run(
        self,
        work: Work,
        purse: Purse,
        given: AssistantState | Command[Any] | None,
        workshop: Workshop | None,
    ) -> TurnCancelled | MillwrightError | None:
        """Run the graph and charge the purse for it; why it did not come to where it stops by itself."""
        config: RunnableConfig = {**work.thread.config(), "recursion_limit": self.context.max_steps * STEPS_PER_ANSWER}
        try:
            # every step is recorded before the next begins: a crash never repeats a finished call
            with spending(purse, timed=True), span("invoke_agent assistant", _spanned(work.info.id)):
                self.graph.invoke(given, config, context=self._context(work, workshop), durability="sync")
        except BudgetSpent as error:
            return error.after(done_in(work.thread.stand().messages))
        except (TurnCancelled, MillwrightError) as error:
            return error
        except Exception as error:  # the border of a turn: the conversation stays usable
            log.exception("a turn of %s failed unexpectedly", work.info.id)
            return JobFailed(f"The turn failed unexpectedly: {type(error).__name__}: {error}.", code=INTERNAL_CODE)
        return None

    def account_of(self, info: SessionInfo) -> Account:
        """The account of a session, with its own limits, or those that hold for all."""
        return account(SESSION, info.id, self.limits if info.limits is None else info.limits)

    def end(self, work: Work, record: TurnRecord) -> Turn:
        """Tell and record how a turn ended whose graph has stopped."""
        stand = work.thread.stand()
        work.emit.tell_once(stand.question or RunFinished(run=work.info.id), record.first)
        work.folder.record([self._stopped(work, record, "waiting" if stand.question else "done", stand)])
        return Turn(text=_last_words(stand.messages), approval=stand.question, number=record.number)

    def give_up(self, work: Work, record: TurnRecord) -> Turn:
        """End a turn as cancelled: its job is told to stop, and its open calls are answered with that."""
        self.cancel_jobs(work.thread, work.info.id)
        work.thread.settle()
        error = JobFailed("The turn was cancelled.", "What was finished by then is kept.", TURN_CANCELLED)
        return self._failed(work, record, error, "cancelled")

    def overtaken(self, work: Work, record: TurnRecord) -> None:
        """Record that a turn which waited, or was broken off, ended because the conversation went on."""
        work.folder.record([self._stopped(work, record, "cancelled", work.thread.stand())])

    def cancel_jobs(self, thread: Thread, session: str) -> Stand:
        """Tell the jobs of the calls that nothing has answered to stop; where the thread stands."""
        stand = thread.stand()
        for call in stand.open_calls:
            cancel_call(self.workshop, call["name"], call_name(session, stand.messages, call))
        return stand

    def finish_undo(self, work: Work) -> list[TurnRecord]:
        """Do what an undo has written down as its intention; nothing where none has."""
        last = work.folder.last_turn()
        if last is None or last.state != "undoing":
            return []
        gone = [turn for turn in work.folder.turns() if turn.state == "undoing"]
        work.thread.cut(gone[0].before)
        work.folder.journal.append(Undone(turn=gone[0].number, turns=len(gone)))
        now = self.workshop.now()
        undone = [turn.model_copy(update={"state": "undone", "ended": now}) for turn in gone]
        work.folder.record(undone)
        return undone

    def _context(self, work: Work, workshop: Workshop | None) -> AssistantContext:
        return replace(
            self.context,
            workshop=workshop or self.workshop,
            thread=work.info.id,
            emit=work.emit,
            memory=work.info.memory,
        )

    def _failed(self, work: Work, record: TurnRecord, error: MillwrightError, state: TurnState) -> Turn:
        scrub(error)
        event = RunFailed(run=work.info.id, code=error.code, sentence=error.sentence, hint=error.hint)
        work.emit(event)
        stopped = self._stopped(work, record, state, work.thread.stand())
        work.folder.record([stopped.model_copy(update={"error": error.code})])
        work.folder.want_cancel(False)
        return Turn(text="", error=event, cause=error, number=record.number)

    def _stopped(self, work: Work, record: TurnRecord, state: TurnState, stand: Stand) -> TurnRecord:
        # what a process that was killed had counted stands in the thread; what tools asked a model, and answers that
        # broke off, do not. A turn that never reached the thread has used none of the tokens that stand there
        told = stand.tokens if stand.checkpoint != record.before else Tokens()
        mine = record.tokens
        tokens = Tokens(prompt=max(told.prompt, mine.prompt), completion=max(told.completion, mine.completion))
        return record.model_copy(
            update={
                "state": state,
                "ended": self.workshop.now(),
                "after": stand.checkpoint,
                "last": work.folder.journal.last,
                "tokens": tokens,
                "cost": None if self.price is None else self.price.of(tokens),
            }
        )


def _spanned(session: str) -> dict[str, str]:
    return {names.OPERATION: names.INVOKE_AGENT, names.AGENT: "assistant", names.CONVERSATION: session}


def _last_words(messages: list[BaseMessage]) -> str:
    return next((message.text for message in reversed(messages) if isinstance(message, AIMessage)), "")


def _and_more(tokens: Tokens, spent: Spent) -> Tokens:
    return Tokens(prompt=tokens.prompt + spent.prompt, completion=tokens.completion + spent.completion)
