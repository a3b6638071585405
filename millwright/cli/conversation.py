"""The loop behind `millwright chat`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import Busy, MillwrightError
from graphs.assistant_types import Decision
from graphs.events import RunFailed
from graphs.sessions import Sessions, Turn
from millwright.cli.asking import YES
from millwright.cli.commands import command
from millwright.cli.listening import Listener, listening
from millwright.cli.plain import plain
from millwright.cli.reply import Reply
from millwright.cli.screens_sessions import turn_cost

if TYPE_CHECKING:
    from graphs.events import ApprovalWanted
    from tools.workshop import Workshop

NO = {"n", "no"}
ELSEWHERE = "Another process is at work in this conversation. Say it again when that is through; nothing was changed."
HELP = """Say what you want in your own words, for example
  train on sample:churn to predict churn, 30 seconds
  which columns matter most?
  compare the models
/undo [TURN]     take back the last turn, or all from TURN on
/branch [TURN]   go on in another conversation that begins after TURN
/export FILE     write this conversation as FILE.json or as a notebook FILE.ipynb
/memory [KIND [N]]   show or choose what a model is shown: buffer, window, summary or tokens
/tokens          what each turn cost a model
/sessions lists the conversations, /quit ends this one (it is kept), /help shows this."""


@dataclass
class Conversation:
    """One person at one terminal, or a script's lines from a pipe."""

    workshop: "Workshop"
    sessions: Sessions
    session: str
    words: Callable[[str], None]
    turns: list[dict[str, object]] = field(default_factory=list)
    waiting: "ApprovalWanted | None" = None
    interactive: bool = field(default_factory=lambda: sys.stdin.isatty())
    live: bool = False
    """Whether words go out as they come; else each answer when it is whole."""

    def run(self) -> None:
        """Take lines until /quit or the end of the input."""
        self._take_up()
        while True:
            line = self._line()
            if line is None or line in ("/quit", "/exit"):
                return
            if line:
                self._take(line)

    def _take_up(self) -> None:
        """Go on where the conversation stands: with a turn that was broken off, or with a call that waits."""
        if self.sessions.get(self.session).state == "working":
            if self.sessions.busy(self.session):
                self._note(ELSEWHERE)
                return
            said = [message.text for message in self.sessions.history(self.session) if message.role == "user"][-1]
            self._note(f"The last turn was broken off; going on with it: {plain(said)}")
            self._hear(said, lambda listener: self.sessions.resume(self.session, listener))
            return
        self.waiting = self.sessions.pending(self.session)
        if self.waiting is not None:
            self._note(question(self.waiting))

    def _line(self) -> str | None:
        """The next line without its end; None at the end of the input."""
        if self.interactive:
            self._note("you> " if self.waiting is None else "y/n> ", end="")
        line = sys.stdin.readline()
        return line.strip() if line else None

    def _take(self, line: str) -> None:
        if line.startswith("/"):
            self._command(line)
        else:
            self._hear(line, lambda listener: self._answer(line, listener))

    def _command(self, line: str) -> None:
        name, *given = line.split()
        try:
            told, session = command(self.sessions, self.session, name, given)
        except MillwrightError as error:
            self._note(f"Error: {error.sentence}\n{error.hint}".rstrip())
            return
        self.session, self.waiting = session, self.sessions.pending(session)
        self._note(told if told is not None else HELP if name == "/help" else f"{line} is not a command. {HELP}")

    def _hear(self, line: str, work: Callable[[Listener], Turn | None]) -> None:
        """Do the turn that `line` is the beginning of. Leaving it gives it up, and stops the job that it began."""
        listener = Listener(self.workshop, words=self.words, live=self.live)
        try:
            with listening(listener):
                turn = work(listener)
        except KeyboardInterrupt:
            self.sessions.cancel(self.session)
            raise
        except Busy as error:
            told = RunFailed(run=self.session, code=error.code, sentence=error.sentence, hint=error.hint)
            self._record(line, Turn(text="", error=told))
            self._note(ELSEWHERE)
            return
        if turn is None:
            return
        self.words("\n")
        for note in listener.notes:
            self._note(note)
        self._record(line, turn)
        if self.sessions.asks_a_model and (cost := turn_cost(self.sessions.turns(self.session)[-1])):
            self._note(cost)
        self.waiting = turn.approval
        if turn.error is not None:
            self._note(f"Error: {turn.error.sentence}\n{turn.error.hint}".rstrip())
        if turn.approval is not None:
            self._note(question(turn.approval))

    def _answer(self, line: str, listener: Listener) -> Turn:
        """A yes or no goes to the call that waits for it; any other line is a new message and cancels that call."""
        said = line.lower()
        if self.waiting is None or said not in YES | NO:
            return self.sessions.send(self.session, line, listener)
        decision = Decision(approve=said in YES)
        if decision.approve and self.waiting.tainted and not self.interactive:
            # a line that was written in advance was not meant for what data may have asked for
            decision = Decision(approve=False, reason="Nobody is here to say yes to that.")
            self._note("Nobody is here to say yes to that: it is left out. Say in your own words what is to be done.")
        return self.sessions.approve(self.session, self.waiting.approval, decision, listener)

    def _record(self, line: str, turn: Turn) -> None:
        error = turn.error and {"code": turn.error.code, "message": turn.error.sentence, "hint": turn.error.hint}
        approval = turn.approval and {"tool": turn.approval.tool, "arguments": turn.approval.arguments}
        self.turns.append({"you": line, "text": turn.text, "approval": approval, "error": error})

    def _note(self, text: str, end: str = "\n") -> None:
        print(plain(text), end=end, file=sys.stderr, flush=True)


def question(approval: "ApprovalWanted") -> str:
    """What is to be approved, in one line."""
    given = ", ".join(f"{name}={value!r}" for name, value in approval.arguments.items())
    return f"{approval.why} Run {approval.tool}({given})? Answer y or n."


def converse(session: str | None, json: bool) -> Reply:
    """Hold a conversation on this terminal. Exit code 1 when a line of a script ended in an error.

    Raises:
        NotFound: `session_not_found`.
    """
    from millwright.orchestrate import open_office

    stream = sys.stderr if json else sys.stdout

    def words(text: str) -> None:
        stream.write(plain(text))
        stream.flush()

    with open_office() as office:
        sessions = office.sessions()
        info = sessions.get(session) if session else sessions.create()
        conversation = Conversation(office.workshop, sessions, info.id, words, live=stream.isatty())
        print(f"Conversation {info.id}. /help shows what can be typed.", file=sys.stderr)
        try:
            conversation.run()
        except KeyboardInterrupt:
            print(file=sys.stderr)
        print(f"Go on later: millwright chat --session {conversation.session}", file=sys.stderr)
    failed = any(turn["error"] for turn in conversation.turns)
    scripted_failure = failed and not conversation.interactive
    document = {"session": conversation.session, "turns": conversation.turns}
    return Reply(document, lambda console: None, json, int(scripted_failure))
