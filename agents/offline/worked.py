"""What the conversation knows of the work itself: every call so far, the plan, the questions that were researched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_OF_PLANS = frozenset({"make_plan", "edit_plan", "show_plan", "run_plan", "approve_step"})
_SHOWN = frozenset({"make_plan", "edit_plan", "show_plan"})
_WORK = _OF_PLANS | {"train_model", "estimate_training", "optimise_model", "distil_model", "retrain_model", "run_crew"}
Call = tuple[str, Mapping[str, Any], Mapping[str, Any] | None]
"""Tool, arguments and result (None where it failed) of an answered call."""


@dataclass
class Worked:
    """`past` are the calls in order. `plan` is the last one shown.

    `spoken` is the model that a question about the past was answered with last. `lost` says that old calls may be gone.
    """

    past: list[Call] = field(default_factory=list)
    plan: Mapping[str, Any] | None = None
    spoken: str | None = None
    lost: bool = False

    def learn(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any] | None) -> None:
        """Take in one answered call."""
        self.past.append((tool, arguments, result))
        if tool in _OF_PLANS and result is not None and result.get("plan"):
            same = self.plan is not None and self.plan["plan"] == result["plan"]
            # a run tells no rows: those that were shown last still stand
            self.plan = {**(self.plan or {}), **result} if same else result

    @property
    def plan_last(self) -> bool:
        """Whether a plan that was not run was the last work spoken of."""
        for tool, _, result in reversed(self.past):
            if result is not None and tool in _WORK:
                return tool in _SHOWN
        return False

    @property
    def plan_id(self) -> str | None:
        """Id of the plan that was spoken of last."""
        return None if self.plan is None else str(self.plan["plan"])
