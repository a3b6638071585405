"""From a goal and a profile to a whole plan: the training, then what the goal asks for; estimated and checked.

Nobody sees a plan that has not been through `checked`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agents.plan import Finding, LeftOut, Plan, Step
from agents.plan_check import PlanFacts, check_plan, refuse
from agents.plan_edit import FieldEdit, by_fields, by_words
from agents.plan_left_out import left_out, of_a_given_plan
from agents.plan_words import Wishes, wishes_of
from graphs.events import Emit, TextDelta, unheard
from graphs.planning_costs import Costs
from graphs.planning_steps import later_steps, propose_later
from graphs.run_plan import FINISH, TRAIN, TUNE, Outlook, request_of, shape_problems, training_steps
from graphs.run_types import RunRequest
from tools.data import DatasetProfile
from tools.workshop import Workshop


@dataclass(frozen=True)
class Drafted:
    """A plan, the request that it follows from, and what was changed to come to it, in words."""

    plan: Plan
    request: RunRequest
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planning:
    """What a plan is made of, and the three ways to one: proposed, given, edited."""

    workshop: Workshop
    model: BaseChatModel
    dataset: str
    target: str
    profile: DatasetProfile
    outlook: Outlook
    emit: Emit = unheard

    @property
    def facts(self) -> PlanFacts:
        columns = dict.fromkeys([*(column.name for column in self.profile.columns), self.target])
        return PlanFacts(columns=tuple(columns), target=self.target, task=self.outlook.task or self.profile.task)

    def proposed(self, request: RunRequest) -> Drafted:
        """The plan for the goal, with the edits that came with the request.

        Raises:
            BadArguments: an edit that changes nothing, or a plan that cannot run.
        """
        findings = findings_of(self.profile)
        training = self._training(request, findings)
        plan = Plan(goal=request.goal, steps=training, findings=findings)
        wishes = wishes_of(request.goal)
        later = propose_later(self.model, plan, wishes, self.workshop.tools, self.facts, request, self.emit)
        costs = self._costs(request)
        plan = plan.edited(steps=[*training, *(costs.of_later(step) for step in later)])
        plan = plan.edited(left_out=left_out(wishes, {step.tool for step in plan.steps}, self.workshop.tools))
        self._say(plan.left_out)
        drafted = Drafted(self.checked(plan), request)
        for words in request.edits:
            drafted = self.edited_by_words(drafted.plan, drafted.request, words)
            self.emit(TextDelta(text=f"Changed: {'; '.join(drafted.changes)}.\n"))
        return drafted

    def given(self, plan: Plan, request: RunRequest) -> Drafted:
        """A plan that was made before, as it is: its hash is what was seen then.

        What gives the target away is told by the data and never by the plan: findings that differ are replaced, said
        aloud, and the plan has another hash.

        Raises:
            BadArguments, BadBudget, BadChoice: it cannot run on this data.
        """
        findings = findings_of(self.profile)
        left = of_a_given_plan(plan, self.workshop.tools)
        proposal = self.checked(plan.model_copy(update={"state": "proposed", "left_out": left}))
        if plan.findings != findings:
            proposal = proposal.edited(findings=findings)
            found = " ".join(finding.sentence for finding in findings) or "Nothing gives the target away."
            told = f"The findings of the given plan are not those of its data, which are taken instead: {found}"
            self.emit(TextDelta(text=f"{told} The plan's hash is now {proposal.hash}.\n"))
        return Drafted(proposal, request_of(proposal, None, request))

    def edited_by_words(self, plan: Plan, request: RunRequest, words: str) -> Drafted:
        """The plan as `words` want it.

        Raises:
            BadArguments, BadBudget: words that change nothing, or a plan that cannot run.
        """

        def later(edited: Plan, wishes: Wishes) -> Sequence[Step]:
            return later_steps(edited, wishes, self.workshop.tools, request)

        edited = by_words(plan, words, self.facts, later, self.workshop.tools)
        self._say([one for one in edited.plan.left_out if one not in plan.left_out])
        return self._redrafted(edited.plan, plan, request, edited.changes)

    def edited_by_fields(self, plan: Plan, request: RunRequest, edits: Sequence[FieldEdit]) -> Drafted:
        """The plan with these changes.

        Raises:
            BadArguments, BadBudget, BadChoice: changes that cannot be made, or a plan that cannot run.
        """
        edited = by_fields(plan, edits, self.workshop.tools)
        return self._redrafted(edited.plan, plan, request, edited.changes)

    def checked(self, plan: Plan) -> Plan:
        """The plan, when it can run.

        Raises:
            BadArguments: it cannot; names the field.
        """
        refuse((*check_plan(plan, self.workshop.tools, self.facts), *shape_problems(plan, self.dataset, self.target)))
        return plan

    def _redrafted(self, edited: Plan, before: Plan, request: RunRequest, changes: tuple[str, ...]) -> Drafted:
        """The edited plan with the training planned anew, since a choice in it changes what it costs."""
        self.checked(edited)
        asked = request_of(edited, before, request)
        costs = self._costs(asked)
        training = self._training(asked, edited.findings)
        later = [
            costs.of_later(step) if step not in before.steps else step
            for step in edited.steps
            if step.id not in (TRAIN, TUNE, FINISH)
        ]
        return Drafted(self.checked(edited.edited(steps=[*training, *later])), asked, changes)

    def _training(self, request: RunRequest, findings: Sequence[Finding]) -> tuple[Step, ...]:
        costs = self._costs(request)
        return tuple(costs.of_training(step) for step in training_steps(request, self.dataset, self.outlook, findings))

    def _costs(self, request: RunRequest) -> Costs:
        return Costs(self.workshop, self.model, request, self.profile, self.outlook)

    def _say(self, left: Sequence[LeftOut]) -> None:
        for one in left:
            self.emit(TextDelta(text=f"{one.sentence}\n"))


def findings_of(profile: DatasetProfile) -> tuple[Finding, ...]:
    """What the profile found that a person should know before saying yes."""
    return tuple(
        Finding(column=leak.column, severity="high" if leak.by == "values" else "medium", sentence=leak.sentence)
        for leak in profile.leaks
    )


def leaks_to_drop(profile: DatasetProfile, request: RunRequest) -> list[str]:
    """Columns that give the target away and that the user neither keeps nor has left out; none where nothing would be
    left to learn from."""
    leaks = dict.fromkeys(leak.column for leak in profile.leaks)
    new = [column for column in leaks if column not in request.keep and column not in request.drop]
    out = {*new, *request.drop}
    left = [
        column.name
        for column in profile.columns
        if column.kind != "identifier" and column.name != profile.target and column.name not in out
    ]
    return new if left else []


def open_leaks(plan: Plan) -> tuple[Finding, ...]:
    """The leaks that the training of this plan uses."""
    dropped = next((step.arguments.get("drop") for step in plan.steps if step.id == TRAIN), None)
    names = dropped if isinstance(dropped, list | tuple) else ()
    return tuple(finding for finding in plan.findings if finding.column not in names)
