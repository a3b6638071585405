"""What a conversation states, answer by answer, and the result that each figure and name rests on."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from graphs.events import CheckedClaim, ClaimsChecked
from graphs.session_types import SessionEvent, TurnRecord


class AnswerClaims(BaseModel):
    """The claims of one answer, as graphs.events.ClaimsChecked told them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    turn: int
    answer: int
    claims: tuple[CheckedClaim, ...]
    struck: int
    sent_back: bool
    taken_back: tuple[str, ...]


def claims_in(turns: Sequence[TurnRecord], events: Iterable[SessionEvent]) -> list[AnswerClaims]:
    """The claims of every answer that the conversation holds, in order.

    An answer that a crash broke off, and that was given again, counts as it was given last.
    """
    found: dict[tuple[int, int], AnswerClaims] = {}
    for event in events:
        if not isinstance(event, ClaimsChecked):
            continue
        # the numbers of events rise with those of turns, those that were undone among them
        turn = next(turn for turn in reversed(turns) if turn.first <= event.sequence)
        if turn.live:
            known = event.model_dump(exclude={"kind", "sequence"})
            found[turn.number, event.answer] = AnswerClaims.model_validate({"turn": turn.number, **known})
    return [found[place] for place in sorted(found)]
