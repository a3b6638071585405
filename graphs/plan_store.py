"""Plans that were made in a conversation, as JSON in the home: what each was when last seen, and which run it is of."""

import re
import secrets
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agents.plan import Plan
from engine.errors import NotFound
from engine.files import write_json
from tools.home import read_json_if_there

_ID = re.compile(r"plan_[0-9a-f]{12}")


class PlanRecord(BaseModel):
    """`hashes` are those of all contents it has had, the present one last; `run` carries it out; `reason` is
    what stopped it last, or ''."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    run: str
    plan: Plan
    hashes: tuple[str, ...]
    created: datetime
    reason: str = ""

    def now(self, plan: Plan) -> "PlanRecord":
        """The record with the plan as it is now."""
        hashes = self.hashes if plan.hash == self.hashes[-1] else (*self.hashes, plan.hash)
        return self.model_copy(update={"plan": plan, "hashes": hashes})

    def without_reason(self) -> "PlanRecord":
        """The record of a plan that nothing keeps from running."""
        return self.model_copy(update={"reason": ""})


class PlanStore:
    """The plans of a home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "plans"

    def get(self, plan: str) -> PlanRecord:
        """The plan with this id.

        Raises:
            NotFound: `plan_not_found`.
        """
        # an id comes from outside and is then a name of a file
        kept = read_json_if_there(self._folder / f"{plan}.json") if _ID.fullmatch(plan) else None
        if kept is None:
            raise NotFound("plan", plan, self.ids())
        return PlanRecord.model_validate(kept)

    def put(self, record: PlanRecord) -> PlanRecord:
        """Keep the record in the place of an older one."""
        write_json(self._folder / f"{record.id}.json", record.model_dump(mode="json"))
        return record

    def has_run(self, run: str) -> bool:
        """Whether a plan is carried out by this run."""
        return any(self.get(plan).run == run for plan in self.ids())

    def ids(self) -> list[str]:
        """All plans, newest first."""
        files = sorted(self._folder.glob("plan_*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return [path.stem for path in files]


def new_plan_id() -> str:
    """A fresh id, e.g. 'plan_1b2d4e3f9a0c'."""
    return f"plan_{secrets.token_hex(6)}"
