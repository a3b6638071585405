"""The reasons that a model gives for a decision, held against the facts that it decided on."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from agents.grounding import Claim
from agents.grounding.facts import Result
from agents.marked import in_json
from agents.proof import Ground, strike

WORDS = frozenset({"why", "task", "explanation", "title"})
"""Fields of proposals that are told to people as they are."""
Proposal = TypeVar("Proposal", bound=BaseModel)


class Reasons:
    """Sends the words of a proposal back once for what no fact holds, and strikes what stands in them still.

    Args:
        facts: what the model was shown to decide on, JSON-like.
    """

    def __init__(self, facts: Mapping[str, object]) -> None:
        self._facts = facts
        self._sent_back = False

    def problem(self, proposal: BaseModel) -> str | None:
        """What is to be told to the model; None for words that hold, and the second time."""
        if self._sent_back:
            return None
        wrong = dict.fromkeys(claim.value for _, claims in self._checked(proposal) for claim in _unfounded(claims))
        self._sent_back = bool(wrong)
        if not wrong:
            return None
        values = ", ".join(in_json(value[:60]) for value in list(wrong)[:6])
        return f"The words of the proposal state what stands in no fact: {values}. Leave it out, or state what does."

    def proved(self, proposal: Proposal) -> Proposal:
        """The proposal, in whose words what no fact holds is struck."""
        changed = {text: strike(text, claims)[0] for text, claims in self._checked(proposal) if _unfounded(claims)}
        return type(proposal).model_construct(**_with_words(dict(proposal), changed)) if changed else proposal

    def _checked(self, proposal: BaseModel) -> list[tuple[str, list[Claim]]]:
        known = proposal.model_dump(mode="json")
        words = list(dict.fromkeys(_words(known)))
        if not any(words):
            return []
        chosen = in_json(_with_words(known, dict.fromkeys(words, "")))
        results: list[Result] = [{**self._facts, "id": "facts"}, {"id": "proposal", "said": chosen}]
        ground = Ground(results)
        return [(text, ground.check(text)) for text in words]


def _unfounded(claims: Sequence[Claim]) -> list[Claim]:
    return [claim for claim in claims if not claim.grounded]


def _words(value: object, field: str = "") -> list[str]:
    if isinstance(value, str):
        return [value] if field in WORDS else []
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in _words(item, str(key))]
    return [text for item in value for text in _words(item)] if isinstance(value, list | tuple) else []


def _with_words(value: Any, changed: Mapping[str, str], field: str = "") -> Any:  # noqa: ANN401  JSON, or models in it
    """The value with other words in the fields of `WORDS`."""
    if isinstance(value, str):
        return changed.get(value, value) if field in WORDS else value
    if isinstance(value, BaseModel):
        return value.model_copy(update=_with_words(dict(value), changed))
    if isinstance(value, Mapping):
        return {key: _with_words(item, changed, str(key)) for key, item in value.items()}
    return type(value)(_with_words(item, changed) for item in value) if isinstance(value, list | tuple) else value
