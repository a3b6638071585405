"""A run and a conversation from Python, each in one call."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millwright.orchestrate import Office, open_office
from millwright.settings import Settings

if TYPE_CHECKING:
    from graphs.events import ApprovalWanted, Emit, Event
    from graphs.sessions import Turn
    from millwright.shown import RunResult


@dataclass(frozen=True)
class Answer:
    """What the assistant said, and the session to go on in: `chat("and with F1?", session=answer.session)`.

    `turn.approval` is the call that waits for a yes, when `chat` was not told how to answer it. `reports` are those of
    what was trained or optimised meanwhile; a notebook shows their plots.
    """

    text: str
    session: str
    turn: "Turn"
    reports: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        from millwright.shown import answer_html

        return answer_html(self.text, self.reports)


def run(
    goal: str,
    data: str,
    *,
    settings: Settings | None = None,
    listen: "Emit | None" = None,
    **choices: Any,  # noqa: ANN401
) -> "RunResult":
    """From a goal in words and a file to a trained, explained, registered model. A notebook shows its plots.

    Args:
        listen: called with every event as it comes, e.g. `print`.
        data: a file, 'sample:NAME', a database URL with `query`, or a dataset id.
        choices: what `graphs.run_types.RunRequest` takes, e.g. target='Churn', budget_seconds=30; the budget of the
            settings by default.

    Raises:
        BadArguments, BadBudget: a choice that does not fit; nothing was written.
        MillwrightError: what stopped the run.
    """
    from graphs.events import unheard
    from graphs.run_types import RunRequest
    from graphs.runs import start_run
    from millwright.shown import RunResult

    settings = settings or Settings()
    limit = {} if choices.get("max_models") is not None else {"budget_seconds": settings.budget_seconds}
    request = RunRequest.of(**{"approve_all": True, **limit, **choices, "goal": goal, "data": data})
    with open_office(settings) as office:
        summary = start_run(office.workshop, office.model, office.saver, request, emit=listen or unheard)
    return RunResult.model_validate(summary.model_dump())


def chat(
    text: str,
    *,
    session: str | None = None,
    approve: "Callable[[ApprovalWanted], bool] | None" = None,
    settings: Settings | None = None,
) -> Answer:
    """Say something to the assistant and get its answer; give `session` to go on with a conversation.

    Args:
        approve: asked for a yes or no to each call that changes what others use, e.g. `lambda wanted: True`. Without
            it such a call is left waiting, and the next message cancels it.

    Raises:
        NotFound: no such session.
        MillwrightError: what ended the turn; the conversation can go on.
    """
    from graphs.assistant_types import Decision

    heard: list[Event] = []
    with open_office(settings) as office:
        sessions = office.sessions()
        chosen = session or sessions.create(text[:60]).id
        turn = sessions.send(chosen, text, heard.append)
        while turn.approval is not None and approve is not None:
            decision = Decision(approve=approve(turn.approval))
            turn = sessions.approve(chosen, turn.approval.approval, decision, heard.append)
        if turn.cause is not None:
            raise turn.cause
        return Answer(turn.text, chosen, turn, tuple(_reports(office, heard)))


def _reports(office: Office, heard: "Sequence[Event]") -> Iterator[Path]:
    """The reports that the calls of a turn wrote."""
    from graphs.events import ToolFinished

    for event in heard:
        if isinstance(event, ToolFinished) and event.result is not None and isinstance(event.result.get("report"), str):
            report = Path(str(event.result["report"]))
            if report.resolve().is_relative_to(office.workshop.home.resolve()):
                yield report
