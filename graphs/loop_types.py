"""What the loop is asked, what it proposes and what it answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.drift.levels import Level
from tools.drift import ActionAdvice, Retrained

Outcome = Literal["nothing_to_do", "kept", "not_trained", "declined", "settled", "promoted", "rolled_back"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LoopRequest(_Record):
    """Look after one monitor, once."""

    monitor: str = Field(description="Monitor id.")
    budget_seconds: float = Field(60.0, ge=2, description="Wall-clock limit of a retraining in seconds.")
    seed: int = Field(0, ge=0, description="Seed of a retraining.")
    force: bool = Field(False, description="Train a challenger whatever the policy says.")
    approve_all: bool = Field(False, description="Promote or roll back without asking.")


class Proposal(_Record):
    """What is put before a person: a model and what is to be done with it. `keep` is put before nobody."""

    action: Literal["promote", "roll_back", "keep"]
    model: str = Field(description="Model id that would be the champion.")
    name: str = Field("", description="Registered name whose champion it would be.")
    why: str


class LoopSummary(_Record):
    """How a loop ended."""

    loop: str
    monitor: str
    level: Level
    outcome: Outcome
    sentence: str
    retrained: Retrained | None = None


def proposal_of(advice: ActionAdvice, retrained: Retrained) -> Proposal:
    """The challenger if it won; else, at RED, an earlier champion that beats the present one; else nothing."""
    if retrained.passed:
        return Proposal(action="promote", model=retrained.challenger, name=advice.model, why=retrained.verdict)
    if retrained.roll_back_to is not None and advice.level is Level.RED:
        why = f"{retrained.verdict} {retrained.roll_back_to}, the champion before, beats the present one."
        return Proposal(action="roll_back", model=retrained.roll_back_to, name=advice.model, why=why)
    return Proposal(action="keep", model=retrained.champion, name=advice.model, why=retrained.verdict)


def sentence_of(outcome: Outcome, advice: ActionAdvice, retrained: Retrained | None, refused: str) -> str:
    """The end in one sentence."""
    name = advice.model
    match outcome:
        case "promoted":
            assert retrained is not None
            return f"{retrained.challenger} is the new champion of {name}: {retrained.verdict}"
        case "rolled_back":
            assert retrained is not None
            return f"{name} was rolled back to {retrained.roll_back_to}, which beats {retrained.champion}."
        case "declined":
            return f"The proposal for {name} was declined; its champion stays."
        case "settled":
            return f"The proposal for {name} was decided elsewhere; nothing more is done with it."
        case "not_trained":
            return f"{name} asks for a retraining, and none could be made: {refused}"
        case "kept":
            verdict = f" {retrained.verdict}" if retrained else ""
            return f"The champion of {name} stays.{verdict}"
        case "nothing_to_do":
            return f"{name} is {advice.level}: nothing to do now."
