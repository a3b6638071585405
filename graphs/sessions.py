"""Conversations that last: one graph thread, one journal of events and one worker at a time each."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command

from agents.budget import EVERYBODY, NO_LIMITS, Account, Budget, Limits
from agents.budget_store import Meter
from agents.memory import MemorySettings
from agents.metered import MeteredWhole, metered
from agents.tokens import ESTIMATE, TokenCounter
from engine.errors import BadArguments, Busy, NotFound
from graphs.assistant import build_assistant
from graphs.assistant_calls import tool_definitions
from graphs.assistant_types import (
    APPROVAL_EFFECTS,
    MAX_STEPS,
    AssistantContext,
    AssistantState,
    Decision,
    nothing_remembered,
)
from graphs.events import ApprovalWanted, Emit, unheard
from graphs.proposals import prompt
from graphs.session_agreed import agreed, written_down
from graphs.session_checks import checked_approval, checked_memory, checked_text, checked_title, turn_of
from graphs.session_claims import AnswerClaims, claims_in
from graphs.session_desk import Desk
from graphs.session_export import SessionExport, exported, notebook, said
from graphs.session_lasting import lasting_of
from graphs.session_store import SessionStore
from graphs.session_thread import Stand, cancelled
from graphs.session_turn import settled
from graphs.session_types import Answered, Parent, Price, Said, SessionEvent, SessionInfo, Turn, TurnRecord, Undo
from tools.workshop import Workshop

__all__ = ["Price", "Said", "SessionExport", "SessionInfo", "Sessions", "Turn", "TurnRecord", "Undo"]

CANCEL_PATIENCE_S = 5.0
LOOK_EVERY_S = 0.05


class Sessions:
    """The conversations of one home.

    Args:
        model: any chat model; the tools of the workshop are bound to it here, once.
        ask: effects that need a person's approval; an empty set is the policy "yes to all".
        count: how tokens are counted where the endpoint does not tell.
        recall: facts of the user's other conversations that bear on a question.
        price: what the model's tokens cost; without it no turn has a cost.
        limits: the most that a session which has no limits of its own may use in all.
        meter: counts what sessions and their `owner` spend; in the home by default.

    Attributes:
        asks_a_model: whether answers cost tokens of a language model; those of the offline planner do not.
    """

    def __init__(
        self,
        workshop: Workshop,
        model: BaseChatModel,
        saver: BaseCheckpointSaver[Any],
        *,
        ask: frozenset[str] = APPROVAL_EFFECTS,
        max_steps: int = MAX_STEPS,
        count: TokenCounter = ESTIMATE,
        recall: Callable[[str], Sequence[str]] = nothing_remembered,
        price: Price | None = None,
        limits: Limits = NO_LIMITS,
        owner: Account = EVERYBODY,
        meter: Meter | None = None,
        new_id: Callable[[], str] = lambda: f"ses_{secrets.token_hex(6)}",
    ) -> None:
        self._workshop, self._new_id = workshop, new_id
        self._store = SessionStore(workshop.home / "sessions")
        model = metered(model, price=price, count=count)
        self.asks_a_model = isinstance(model, MeteredWhole)
        context = AssistantContext(
            workshop=workshop,
            model=model.bind_tools(tool_definitions(list(workshop.tools.values()))),
            system=prompt("assistant"),
            thread="",
            ask=ask,
            max_steps=max_steps,
            count=count,
            recall=recall,
        )
        graph = build_assistant().compile(checkpointer=saver)
        self._desk = Desk(self._store, graph, context, price, meter or Meter(workshop.home), limits, owner)

    # what there is

    def create(
        self, title: str = "", memory: MemorySettings | None = None, limits: Limits | None = None
    ) -> SessionInfo:
        """A new conversation, with nothing said yet; `limits` are the most that it may use in all.

        Raises:
            BadArguments: a title or a memory that is none; a limit of money where no price is known.
        """
        return self._create(checked_title(title), checked_memory(memory), None, self._payable(limits))

    def list(self) -> list[SessionInfo]:
        """All conversations, the one used last first."""
        return self._store.list()

    def get(self, session: str) -> SessionInfo:
        """One conversation.

        Raises:
            NotFound: `session_not_found`.
        """
        return self._store.folder(session).info()

    def history(self, session: str) -> Sequence[Said]:
        """What was said, oldest first; answers of tools as the text that the model saw."""
        return said(self._desk.thread(session).stand().messages)

    def turns(self, session: str) -> Sequence[TurnRecord]:
        """The turns in order, with those that were undone."""
        return self._store.folder(session).turns()

    def events(self, session: str, after: int = 0) -> Iterator[SessionEvent]:
        """The recorded events from number `after` + 1 on."""
        return self._store.folder(session).journal.read(after)

    def pending(self, session: str) -> ApprovalWanted | None:
        """The call that waits for approval, if one does."""
        return self._desk.thread(session).stand().question

    def export(self, session: str) -> SessionExport:
        """Everything about a conversation as one document, without passwords and keys."""
        folder = self._store.folder(session)
        messages = self._desk.thread(session).stand().messages
        return exported(folder.info(), folder.turns(), messages, folder.journal.read(), self._workshop.now())

    def claims(self, session: str) -> Sequence[AnswerClaims]:
        """What the answers of a conversation state, each figure and name with the result that holds it.

        Raises:
            NotFound: `session_not_found`.
        """
        folder = self._store.folder(session)
        return claims_in(folder.turns(), folder.journal.read())

    def budget(self, session: str) -> Budget:
        """What a conversation may use and has used, in all.

        Raises:
            NotFound: `session_not_found`.
        """
        mine = self._desk.account_of(self.get(session))
        return Budget(account=mine, spent=self._desk.meter.spent(mine.name))

    def notebook(self, session: str) -> dict[str, Any]:
        """The conversation as a Jupyter notebook that does its work again, but for what acts on others."""
        title = self.get(session).title
        return notebook(title, self._desk.thread(session).stand().messages, self._workshop.tools)

    def busy(self, session: str) -> bool:
        """Whether a turn is under way, here or in another process.

        Raises:
            NotFound: `session_not_found`.
        """
        try:
            with self._desk.working(session, unheard):
                return False
        except Busy:
            return True

    # turns

    def send(self, session: str, text: str, emit: Emit = unheard) -> Turn:
        """Say `text` and let the assistant work until it answers, asks for approval or fails.

        Calls that still waited (for approval, or because a turn broke off) are cancelled first, in the same step,
        and with them the jobs that they had begun.

        Raises:
            NotFound: `session_not_found`.
            BadArguments: there is nothing in `text`.
            Busy: `session_busy`, a turn is under way.
        """
        text = checked_text(text)
        with self._desk.working(session, emit) as work:
            stand = self._desk.cancel_jobs(work.thread, session)
            last = work.folder.last_turn()
            if last is not None and last.state in {"working", "waiting"}:
                self._desk.overtaken(work, last)
            record = TurnRecord(
                number=1 if last is None else last.number + 1,
                said=text,
                state="working",
                began=self._workshop.now(),
                before=stand.checkpoint,
                first=work.folder.journal.last + 1,
            )
            return self._desk.turn(work, record, _saying(stand, text))

    def approve(self, session: str, approval: str, decision: Decision, emit: Emit = unheard) -> Turn:
        """Answer the question `approval` and let the assistant go on.

        Raises:
            NotFound: `approval_not_found`: answered already, overtaken by another message, or another session's.
            BadArguments: no approval can have this id, or `decision` is none.
            Busy: `session_busy`; two answers at once cannot both run the call.
        """
        checked_approval(approval, decision)
        with self._desk.working(session, emit) as work:
            stand, record = work.thread.stand(), work.folder.last_turn()
            if not stand.waits_for(approval) or record is None or record.state != "waiting":
                hint = "It was answered already or the conversation went on; nothing was run."
                raise NotFound("approval", approval, hint=hint)
            answer = Answered(approval=approval, at=self._workshop.now(), **decision.model_dump())
            written_down(self._workshop, session, stand, answer)
            record = record.model_copy(update={"state": "working", "answers": (*record.answers, answer)})
            return self._desk.turn(work, record, _answering(answer), agreed(self._workshop, session, stand, record))

    def resume(self, session: str, emit: Emit = unheard) -> Turn | None:
        """Go on with a turn that the end of the process broke off; None when there is none.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`.
        """
        with self._desk.working(session, emit) as work:
            record, stand = work.folder.last_turn(), work.thread.stand()
            if record is None or record.state != "working":
                return None
            if stand.checkpoint == record.before:  # what was said had not reached the thread
                return self._desk.turn(work, record, _saying(stand, record.said))
            given = [answer for answer in record.answers if stand.waits_for(answer.approval)]
            workshop = agreed(self._workshop, session, stand, record)
            if given:  # what was answered had not reached it
                return self._desk.turn(work, record, _answering(given[0]), workshop)
            if stand.question is not None or not stand.unfinished:
                return self._desk.end(work, record)
            events = list(work.folder.journal.read(record.first - 1))
            again = settled(workshop, stand.messages, stand.open_calls, events)
            return self._desk.turn(work, record, None, again)

    def cancel(self, session: str, patience: float = CANCEL_PATIENCE_S) -> SessionInfo:
        """Give up the turn that is under way (here or in another process), broken off, or waiting for approval.

        Its job is told to stop. A turn under way ends at its next word or call; this waits for it for `patience`
        seconds, and the state that is returned says whether it has ended.

        Raises:
            NotFound: `session_not_found`.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                with self._desk.working(session, unheard) as work:
                    work.folder.want_cancel(False)
                    last = work.folder.last_turn()
                    if last is not None and last.state in {"working", "waiting"}:
                        self._desk.give_up(work, last)
                    return work.folder.info()
            except Busy:
                self._store.folder(session).want_cancel(True)
                self._desk.cancel_jobs(self._desk.thread(session), session)
                if time.monotonic() >= deadline:
                    return self.get(session)
                time.sleep(LOOK_EVERY_S)

    # the past

    def undo(self, session: str, turn: int | None = None) -> Undo:
        """Go back to before `turn` (the last one by default): it and what followed are out of the conversation.

        They stay in the journal. What they did beyond the conversation is not undone, and listed.

        Raises:
            NotFound: `session_not_found`, or `turn_not_found` among those that the conversation holds.
            Busy: `session_busy`.
        """
        with self._desk.working(session, unheard) as work:
            live = [record for record in work.folder.turns() if record.live]
            wanted = turn_of(live, turn)
            gone = [record for record in live if record.number >= wanted.number]
            lasting = lasting_of(gone, work.folder.journal.read(wanted.first - 1), self._workshop.tools)
            self._desk.cancel_jobs(work.thread, session)
            work.folder.record([record.model_copy(update={"state": "undoing"}) for record in gone])
            undone = self._desk.finish_undo(work)
            return Undo(turns=tuple(undone), lasting=tuple(lasting))

    def branch(self, session: str, turn: int | None = None, title: str = "") -> SessionInfo:
        """A new conversation that begins as this one stood after `turn` (the last one by default; 0: at its beginning).

        Raises:
            NotFound: `session_not_found`, `turn_not_found`.
            BadArguments: the turn was broken off and has no end to begin at.
            Busy: `session_busy`.
        """
        title = checked_title(title)
        with self._desk.working(session, unheard) as work:
            live = [record for record in work.folder.turns() if record.live]
            number, checkpoint = _end_of(live, turn, work.thread.stand())
            title = title or checked_title(f"{work.info.title[:180]} (branch)".strip())
            new = self._create(title, work.info.memory, Parent(session=session, turn=number), work.info.limits)
            work.thread.copy(checkpoint, new.id)
            return new

    def rename(self, session: str, title: str) -> SessionInfo:
        """Give it another title; an empty one makes it what was said first.

        Raises:
            NotFound: `session_not_found`.
            BadArguments: a title that is none.
            Busy: `session_busy`.
        """
        return self._decide(session, title=checked_title(title))

    def set_memory(self, session: str, memory: MemorySettings) -> SessionInfo:
        """From the next turn on, remember in this way.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`.
        """
        return self._decide(session, memory=checked_memory(memory))

    def set_limits(self, session: str, limits: Limits | None) -> SessionInfo:
        """From the next turn on, let it use so much in all; None is what the settings say.

        Raises:
            NotFound: `session_not_found`.
            BadArguments: it limits money, and nobody has said what a token costs.
            Busy: `session_busy`.
        """
        return self._decide(session, limits=self._payable(limits))

    def delete(self, session: str) -> None:
        """Forget a conversation for good. What it made (datasets, models) stays.

        Raises:
            NotFound: `session_not_found`.
            Busy: `session_busy`, a turn is under way.
        """
        with self._desk.working(session, unheard) as work:
            self._desk.cancel_jobs(work.thread, session)
            work.folder.remove()
            work.thread.delete()

    def _create(self, title: str, memory: MemorySettings, parent: Parent | None, limits: Limits | None) -> SessionInfo:
        now = self._workshop.now()
        about = {"title": title, "memory": memory, "limits": limits, "parent": parent}
        return self._store.new(SessionInfo(id=self._new_id(), created=now, updated=now, **about))

    def _payable(self, limits: Limits | None) -> Limits | None:
        if limits is not None and limits.money is not None and self.asks_a_model and self._desk.price is None:
            hint = "Set MILLWRIGHT_LLM__PROMPT_PRICE and MILLWRIGHT_LLM__COMPLETION_PRICE, or limit its tokens."
            raise BadArguments("Nobody has said what a token costs, so money cannot be limited.", hint)
        return limits

    def _decide(self, session: str, **change: object) -> SessionInfo:
        with self._desk.working(session, unheard) as work:
            work.folder.decide(lambda info: info.model_copy(update={**change, "updated": self._workshop.now()}))
            return work.folder.info()


def _saying(stand: Stand, text: str) -> AssistantState:
    """What goes into the thread with a message: a call that still waits is answered in the same step."""
    said: list[AnyMessage] = [*cancelled(stand.open_calls), HumanMessage(text)]
    return {"messages": said, "steps": 0, "wasted": 0, "approved": []}


def _answering(answer: Answered) -> Command[Any]:
    decision = Decision(approve=answer.approve, reason=answer.reason)
    return Command(resume={answer.approval: decision.model_dump()})


def _end_of(live: Sequence[TurnRecord], turn: int | None, now: Stand) -> tuple[int, str | None]:
    """The number of a turn and the checkpoint at its end; 0 is where the conversation began.

    Raises:
        NotFound, BadArguments: as `Sessions.branch`.
    """
    if not live and turn in (None, 0):
        return 0, now.checkpoint
    if turn == 0 and type(turn) is int:
        return 0, live[0].before
    wanted = turn_of(live, turn)
    if wanted.state == "working":
        raise BadArguments(f"Turn {wanted.number} was broken off.", "Resume or cancel it first.")
    return wanted.number, wanted.after
