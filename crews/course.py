"""The course of one crew run: who has the word, what was asked of the language model, what the manager decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from crews.brief import Review, Tokens
from crews.events import Tell, handover, said, unheard
from crews.ledger import Ledger
from crews.words import review_of
from engine.errors import JobFailed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

MANAGER = "Manager"
MOST_CALLS = 24
"""Answers of the model for one task and role; beyond them it is taken to have lost its way."""

Minds = Callable[[str, str], "BaseChatModel"]
"""The chat model that leads an agent at a task: by role and task. With a language model it is one and the same."""


@dataclass
class Course:
    """`posts` says which role does which task; `needs` which tools a task is not done without."""

    ledger: Ledger
    posts: Mapping[str, str]
    needs: Mapping[str, Sequence[str]]
    tell: Tell = unheard
    reviews: list[Review] = field(default_factory=list)
    tokens: Tokens = field(default_factory=Tokens)
    _speaks: tuple[str, str] = ("", "")
    _asked: dict[tuple[str, str], int] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock, repr=False)

    def task_of(self, role: str) -> str:
        """The task of a role; '' for one that has none of its own."""
        return self.posts.get(role, "")

    def begins(self, role: str, task: str) -> None:
        """`role` is about to be asked what to do next for `task`.

        Raises:
            JobFailed: crew_stuck, when it has been asked too often.
        """
        with self._guard:
            place = (role, task)
            if place != self._speaks:
                self._speaks = place
                self.tell(handover(role, task))
            self._asked[place] = self._asked.get(place, 0) + 1
            if self._asked[place] > MOST_CALLS:
                raise JobFailed(
                    f"The {role} was asked {MOST_CALLS} times what to do for task {task!r} and came to no end.",
                    "Go on with the crew run, perhaps with another language model; what its tools did is kept.",
                    "crew_stuck",
                )

    @property
    def turns(self) -> int:
        """How often an agent was asked what to do next."""
        return sum(self._asked.values())

    def missing(self, task: str) -> tuple[str, ...]:
        """What the task was to do and the ledger does not hold, as sentences."""
        return review_of(task, self.needs.get(task, ()), self.ledger.of(task))

    def decided(self, review: Review) -> None:
        """Write down and tell what the manager made of a task's answer."""
        self.reviews.append(review)
        self.tell(said(f"{MANAGER}: {review.task} {review.verdict}{f': {review.why}' if review.why else ''}\n"))

    def count(self, reply: "AIMessage", asked: "Sequence[BaseMessage]") -> None:
        """Add one answer of a language model to the tokens used: as reported, or estimated from the length."""
        from langchain_core.messages.utils import count_tokens_approximately

        usage = reply.usage_metadata
        prompt = usage["input_tokens"] if usage else count_tokens_approximately(asked)
        completion = usage["output_tokens"] if usage else count_tokens_approximately([reply])
        with self._guard:
            before = self.tokens
            self.tokens = Tokens(
                calls=before.calls + 1,
                prompt=before.prompt + prompt,
                completion=before.completion + completion,
                counted=before.counted and usage is not None,
            )
