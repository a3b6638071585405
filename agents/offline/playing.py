"""How a turn is played: a skill reads like a plain function, and runs again from its top after every tool result.

`Play.use` returns the recorded answer of a call that was made already; the first call without one ends the pass, and
becomes the next tool call. So the planner keeps no state: the messages are its state.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.offline.conversation import Done, Json, Known, Turn
from agents.offline.failures import declined, failure
from agents.offline.reading import LONGEST
from agents.offline.slots import Slots
from agents.offline.wording import name_of


@dataclass(frozen=True)
class Request:
    """One thing that the user wants. `text` is how it was said; where it is not understood, `near` is something like it
    that can be done, in the words of an example."""

    intent: str
    slots: Slots
    text: str
    near: str = ""

    @property
    def words(self) -> str:
        """As much of `text` as is read by patterns: no pattern can be made to run for long by it."""
        return self.text[:LONGEST]


@dataclass(frozen=True)
class Question:
    """What was asked, and the requests that wait for the answer, the first of them with the gap `slot`.

    `choices` are the values offered; 'yes' takes the first when there is only one.
    """

    slot: str
    text: str
    requests: tuple[Request, ...]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """What the planner does next: call `tool`, or say `text` (perhaps as a question)."""

    text: str = ""
    tool: str | None = None
    arguments: Json = field(default_factory=dict)
    question: Question | None = None


class Paused(Exception):  # not an error: the turn goes on when the result is there
    """A call is to be made before the skill can go on."""

    def __init__(self, tool: str, arguments: Json) -> None:
        super().__init__(tool)
        self.tool, self.arguments = tool, arguments


class Asked(Exception):  # not an error: the user's answer is missing
    """Something is missing that only the user can say."""

    def __init__(self, slot: str, text: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.slot, self.text, self.choices = slot, text, choices


class Offered(Exception):  # not an error: what was asked for is done
    """Something is done, told in `words`, and `request` is offered to follow, with `choice` in its gap `slot`."""

    def __init__(self, words: str, question: str, slot: str, choice: str, request: Request) -> None:
        super().__init__(words)
        self.words, self.question, self.slot, self.choice, self.request = words, question, slot, choice, request


class Told(Exception):  # not an error: nothing more is to be done
    """There is nothing to do but to say something."""


class ToolFailed(Exception):  # named as what it tells
    """A call was answered with an error."""

    def __init__(self, done: Done) -> None:
        super().__init__(done.error)
        self.done = done

    @property
    def sentence(self) -> str:
        return self.done.error or ""


@dataclass
class Play:
    """One pass over a turn. `offered` are the names of the tools that are bound."""

    known: Known
    turn: Turn
    offered: frozenset[str]
    place: int = 0
    remarks: list[str] = field(default_factory=list)

    def use(self, tool: str, **arguments: object) -> Json:
        """The result of calling `tool`.

        Raises Paused when the call is still to be made, ToolFailed when it was answered with an error.
        """
        while self.place < len(self.turn.calls):
            done = self.turn.calls[self.place]
            self.place += 1
            self.known.learn(done)
            if done.tool != tool:
                continue  # made by another model earlier in this turn
            if done.result is None:
                raise ToolFailed(done)
            return done.result
        if tool not in self.offered:
            raise Told(
                f"I cannot do that here: the tool {tool} is not offered in this session. 'help' shows what I can do."
            )
        raise Paused(tool, arguments)

    def use_mended(self, tool: str, **arguments: object) -> Json:
        """As `use`, but when the error names the one clear correction of a name, try once more with it."""
        try:
            return self.use(tool, **arguments)
        except ToolFailed as failed:
            correction = corrected(failed.sentence, arguments)
            if correction is None:
                raise
            mended, wrong, right = correction
            self.remarks.append(f"I read {name_of(wrong)} as {name_of(right)}.")
            return self.use(tool, **mended)


_WRONG = re.compile(r"['\"]([^'\"]+)['\"] is not (?:in the dataset|a known|a kind)")
_RIGHT = re.compile(r"Did you mean ['\"]([^'\"]+)['\"]\?")


def corrected(sentence: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str, str] | None:
    """The arguments with the wrong name replaced by the one that the error offers; None when it offers none.

    Only names that stand in the arguments themselves are replaced, by the exact offer: nothing else in an error's
    text is acted on.
    """
    wrong, right = _WRONG.search(sentence), _RIGHT.findall(sentence)
    if wrong is None or len(right) != 1:
        return None
    name = wrong.group(1)
    changed = {key: _swap(value, name, right[0]) for key, value in arguments.items()}
    return (changed, name, right[0]) if changed != dict(arguments) else None


def _swap(value: Any, wrong: str, right: str) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, list | tuple):
        return [_swap(item, wrong, right) for item in value]
    return right if value == wrong else value


_PASSING = frozenset(
    {
        "ordinal",
        "word_meant",
        "column_asked",
        "promotion_asked",
        "unknown",
        "declined",
        "standing",
        "help",
        "thanks",
        "greeting",
    }
)
"""Requests after which the talk is still of what it was of before."""
Skill = Callable[[Play, Request], str]
"""Does one request and returns the words for it."""


def play(state: Play, requests: tuple[Request, ...], skills: Mapping[str, Skill]) -> Move:
    """Do the requests one after another; the first call, question or failure among them is the move."""
    said: list[str] = []
    for index, request in enumerate(requests):
        try:
            words = skills[request.intent](state, request)
        except Paused as paused:
            return Move(tool=paused.tool, arguments=paused.arguments)
        except Asked as asked:
            waiting = (request, *requests[index + 1 :])
            text = _joined(said, state.remarks, asked.text)
            return Move(text=text, question=Question(asked.slot, text, waiting, asked.choices))
        except Offered as offered:
            words = offered.words
            if index == len(requests) - 1:
                state.known.about = request.intent
                text = _joined(said, state.remarks, f"{words}\n{offered.question}")
                return Move(text=text, question=Question(offered.slot, text, (offered.request,), (offered.choice,)))
        except Told as told:
            return Move(text=_joined(said, state.remarks, str(told)))
        except ToolFailed as failed:
            return _after_failure(state, said, request, requests[index + 1 :], failed)
        if request.intent not in _PASSING:
            state.known.about = request.intent
        said.append(_joined([], state.remarks, words))
        state.remarks.clear()
    return Move(text="\n\n".join(said))


def _joined(said: list[str], remarks: list[str], words: str) -> str:
    return "\n\n".join([*said, " ".join([*remarks, words]).strip()])


def _after_failure(
    state: Play, said: list[str], request: Request, later: tuple[Request, ...], failed: ToolFailed
) -> Move:
    """Say what went wrong; when the error offers one other file, dataset or model, ask about it."""
    if declined(failed.sentence):
        return Move(text=_joined(said, state.remarks, "You did not approve it, so nothing was changed."))
    text = _joined(said, state.remarks, failure(failed.done.tool, failed.sentence))
    offer = _RIGHT.findall(failed.sentence)
    # of a comparison with a named file the file is what is most often misspelt
    arguments = failed.done.arguments
    compares = failed.done.tool == "check_drift" and "data" in arguments
    calibrates = "calibration" in arguments and f"{arguments['calibration']!r}" in failed.sentence
    slot = "source" if compares or calibrates else _OFFERED.get(failed.done.tool)
    if len(offer) == 1 and slot is not None:
        waiting = (replace(request, slots=_without(request.slots, slot)), *later)
        return Move(text=text, question=Question(slot, text, waiting, (offer[0],)))
    return Move(text=text)


_OFFERED = {
    "import_dataset": "source",
    "show_model": "model",
    "explain_model": "model",
    "distil_model": "model",
    "optimise_model": "model",
    "show_optimisation": "model",
    "export_model": "model",
    "benchmark_models": "model",
    "promote_model": "model",
    "evaluate_model": "model",
    "job_status": "job",
    "cancel_job": "job",
    "create_monitor": "model",
    "roll_back_model": "model",
    "check_drift": "monitor",
    "monitor_status": "monitor",
    "drift_report": "monitor",
    "evaluate_actions": "monitor",
    "retrain_model": "monitor",
    "log_labels": "monitor",
    "acknowledge_alert": "alert",
}
"""Which gap of a request the correction in a tool's error fills."""

_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "source": {"source": None},
    "model": {"models": (), "alias": None, "ordinal": None},
    "job": {"jobs": ()},
    "monitor": {"monitors": ()},
    "alert": {"alerts": ()},
}


def _without(slots: Slots, slot: str) -> Slots:
    return replace(slots, **_EMPTY[slot])
