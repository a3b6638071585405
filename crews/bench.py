"""Where a crew's agents use tools: each call is named for good, told, timed and written to the ledger."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agents.budget_calls import charged
from agents.budget_purse import Purse, current
from agents.marked import error_for_a_model, without_keys
from agents.repeats import MALFORMED, MALFORMED_CODES, SAME, fingerprint, told_once
from crews.events import Tell, tool_finished, tool_progress, tool_started, unheard
from crews.ledger import TRAINING, Ledger, ToolRecord, trained_seconds
from engine.errors import BadArguments, Fixable, JobFailed, MillwrightError, NotFound
from engine.progress import Progress
from tools.catalogue import invoke
from tools.jobs import Failure, job_id
from tools.spec import ToolResult, ToolSpec
from tools.workshop import Workshop

FREE = ("read", "compute")
"""Effects that need nobody's approval: no other tool is handed to a crew."""
LEAST_SECONDS = 1.0
BUDGET = "budget_seconds"


@dataclass(frozen=True)
class Post:
    """An agent at its task."""

    agent: str
    task: str


@dataclass(frozen=True)
class Bench:
    """The workshop of one crew run. `budget` are the seconds that all its trainings together may take; None is no
    limit, where a number of models is fixed instead. Every call is charged to `purse`."""

    workshop: Workshop
    ledger: Ledger
    run: str
    budget: float | None = None
    tell: Tell = unheard
    purse: Purse | None = field(default_factory=current)
    _seen: Counter[str] = field(default_factory=Counter)

    def spec(self, tool: str) -> ToolSpec:
        """A tool that may be handed out.

        Raises:
            NotFound: no such tool.
            BadArguments: it changes what others use, so that a person has to approve it.
        """
        spec = self.workshop.tools.get(tool)
        if spec is None:
            raise NotFound("tool", tool, list(self.workshop.tools))
        if spec.effect not in FREE:
            raise BadArguments(f"{tool} needs a person's approval.", "A crew is given tools that read and compute.")
        return spec

    def use(self, post: Post, tool: str, arguments: Mapping[str, object]) -> str:
        """The tool's result as JSON, or the sentence of an error that other arguments mend.

        A call that this crew run has made before, in this process or in one that was killed, is not made again: a
        compute tool's recorded result is given, and a job is found under its name.

        Raises:
            BudgetSpent: there is not enough left for the call; it was not begun.
            JobFailed: crew_stuck, the agent goes round in circles.
            MillwrightError: an error that no argument mends; the ledger remembers it too.
        """
        call = self.call_name(post.task, tool, arguments)
        before = self.ledger.found(call)
        try:
            known = before is not None and self.spec(tool).effect == "compute"
            text = before.result if before and known else self._made(post, tool, arguments, call)
            return self._once_more(post, tool, arguments, text)
        except Exception as error:  # the border to CrewAI, which would feed it to the model
            self.ledger.stop(error)
            raise

    def _once_more(self, post: Post, tool: str, arguments: Mapping[str, object], text: str) -> str:
        """What came of a call, unless the same agent has had the same from it again and again."""
        mark = fingerprint(f"{post.task}/{post.agent}/{tool}", arguments, text)
        self._seen[mark] += 1
        if self._seen[mark] > SAME:
            raise _stuck(post, f"called {tool} {self._seen[mark]} times for the same result")
        return text if self._seen[mark] < SAME else f"Error: {told_once(tool, SAME - 1)}"

    def call_name(self, task: str, tool: str, arguments: Mapping[str, object]) -> str:
        """The name of a call, from what it is: a replay finds its job."""
        asked = json.dumps([tool, arguments], sort_keys=True, default=str)
        return f"crew:{self.run}:{task}:{tool}:{hashlib.sha256(asked.encode()).hexdigest()[:16]}"

    def _made(self, post: Post, tool: str, arguments: Mapping[str, object], call: str) -> str:
        spec, allowed = self.spec(tool), self._within_budget(tool, arguments)
        failure: Failure | None = None
        start = time.monotonic()

        def took() -> float:
            return round(time.monotonic() - start, 3)

        try:
            result = self._told(spec, allowed, call, took).model_dump(mode="json")
        except Fixable as error:
            told = error_for_a_model(str(error), self.workshop.home, allowed)
            text, failure = f"Error: {told}", Failure.of(error)
        else:
            text = without_keys(json.dumps(result, ensure_ascii=False))
        self._check_malformed(post, failure)
        # as JSON has them, so that they are equal to those that another process reads
        asked = json.loads(json.dumps(allowed))
        named = {"task": post.task, "agent": post.agent, "tool": tool, "arguments": asked, "call": call}
        self.ledger.add(ToolRecord.model_validate({**named, "result": text, "failure": failure, "seconds": took()}))
        return text

    def _told(
        self, spec: ToolSpec, arguments: Mapping[str, object], call: str, took: Callable[[], float]
    ) -> ToolResult:
        """The tool's result, with its course told and charged."""
        job = job_id(call) if spec.job else None
        with charged(self.purse, self.workshop, spec.name, arguments, job) as charge:
            self.tell(tool_started(call, spec.name, arguments, job))

            def watch(progress: Progress) -> None:
                self.tell(tool_progress(call, spec.name, progress.model_dump(mode="json")))
                charge.look()

            try:
                charge.result = invoke(self.workshop, spec.name, arguments, call_id=call, watch=watch)
            except MillwrightError as error:
                self.tell(tool_finished(call, spec.name, took(), error=str(error)))
                raise
            self.tell(tool_finished(call, spec.name, took(), result=charge.result.model_dump(mode="json")))
            return charge.result

    def _check_malformed(self, post: Post, failure: Failure | None) -> None:
        """Count the calls of an agent in a row whose arguments do not fit.

        Raises:
            JobFailed: crew_stuck, there were too many.
        """
        who = f"{post.task}/{post.agent}"
        malformed = failure is not None and failure.code in MALFORMED_CODES
        self._seen[who] = self._seen[who] + 1 if malformed else 0
        if self._seen[who] >= MALFORMED:
            raise _stuck(post, f"made {MALFORMED} calls in a row whose arguments do not fit")

    def _within_budget(self, tool: str, arguments: Mapping[str, object]) -> dict[str, object]:
        """The arguments with no more seconds than the crew has left: an agent cannot give itself more."""
        if self.budget is None or BUDGET not in self.spec(tool).request.model_fields:
            return dict(arguments)
        left, asked = self.left() if tool == TRAINING else self.budget, arguments.get(BUDGET)
        seconds = min(left, float(asked)) if isinstance(asked, int | float) and asked == asked else left
        return {**arguments, BUDGET: max(LEAST_SECONDS, round(seconds, 1))}

    def left(self) -> float:
        """Seconds of the budget that no training has used yet."""
        return max(LEAST_SECONDS, (self.budget or 0.0) - trained_seconds(self.ledger.calls))


def _stuck(post: Post, why: str) -> JobFailed:
    hint = "Go on with the crew run, perhaps with another language model; what its tools did is kept."
    return JobFailed(f"The {post.agent} {why} for task {post.task!r}, and came to no end.", hint, "crew_stuck")
