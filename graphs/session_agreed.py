"""What a person has said to a call of a conversation: written down, and what then rests on it."""

from graphs.assistant_calls import approval_mark, call_name
from graphs.session_thread import Stand
from graphs.session_types import Answered, TurnRecord
from tools.audit import approved, resting_on
from tools.workshop import Workshop


def written_down(workshop: Workshop, session: str, stand: Stand, answer: Answered) -> None:
    """Write the answer to the question that is open into the audit, before anything follows from it.

    Raises:
        DiskFull, HomeNotWritable: it was not written, and nothing may follow.
    """
    call = stand.open_calls[0]
    name, asked = call_name(session, stand.messages, call), (call["name"], call["args"])
    approved(workshop, answer.approval, answer.approve, {"session": session}, asked, answer.reason, name)


def agreed(workshop: Workshop, session: str, stand: Stand, record: TurnRecord) -> Workshop:
    """The workshop for the next part of a turn: the open call that a person has said yes to rests on that, and none
    that follows it does."""
    answer, call = next(reversed(record.answers), None), next(iter(stand.open_calls), None)
    if answer is None or call is None or not answer.approve:
        return workshop
    marks = stand.values.get("approved", [])
    if not stand.waits_for(answer.approval) and approval_mark(session, stand.messages, call) not in marks:
        return workshop
    return resting_on(workshop, answer.approval, call_name(session, stand.messages, call))
