"""Goals run one after another without a person: a policy says what may be done, and every step is kept as it ends."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BadArguments, MillwrightError, NotFound
from engine.files import write_json
from millwright.script_types import (
    ALLOWED,
    Expected,
    Named,
    Policy,
    RunStep,
    SayStep,
    Script,
    ScriptSummary,
    StepOutcome,
    ToolStep,
)
from tools.finding import without_secrets

if TYPE_CHECKING:
    from graphs.events import ApprovalWanted, Emit
    from graphs.sessions import Sessions, Turn
    from millwright.orchestrate import Office
    from tools.workshop import Workshop

RECORD = "script.json"
OUTCOMES = "outcomes.json"
BEGUN = "begun.json"
"""The line that is being said: a script that is gone on with finds its turn by it instead of saying it again."""
BOUND = (
    "text from data was read before, so the step has to ask for it in its own words or name it with its arguments "
    "in `approve`"
)
AnyStep = RunStep | SayStep | ToolStep
Told = Callable[[StepOutcome], None]


def untold(_: StepOutcome) -> None:
    """The listener that does not listen."""


@dataclass(frozen=True)
class _Stage:
    """What the steps of one script work with. `session` is the conversation of its `say` steps, made for the first."""

    office: "Office"
    name: str
    script: Script
    emit: "Emit"

    @property
    def folder(self) -> Path:
        return self.office.workshop.home / "scripts" / self.name

    def allows(self, tool: str, step: AnyStep) -> bool:
        """Whether `step` may call `tool` without a person."""
        spec = self.office.workshop.tools.get(tool)
        named = {one if isinstance(one, str) else one.tool for one in step.approve}
        return spec is not None and (spec.effect in ALLOWED[self.script.policy] or tool in named)

    def names(self, tool: str, arguments: Mapping[str, object], step: AnyStep) -> bool:
        """Whether `step` names this very call: its author has approved it, whatever the model has read since."""
        from graphs.taint import same_call

        spec = self.office.workshop.tools[tool]
        given = [one.arguments for one in step.approve if isinstance(one, Named) and one.tool == tool]
        return any(same_call(spec, one, arguments) for one in given)


def new_script_id() -> str:
    """A fresh id, e.g. 'scr_1b2d4e3f9a0c'."""
    return f"scr_{secrets.token_hex(6)}"


def start_script(
    office: "Office",
    script: Script,
    file: str,
    *,
    name: str | None = None,
    emit: "Emit | None" = None,
    told: Told = untold,
) -> ScriptSummary:
    """Run every step of `script`, in order; `told` hears of each as it ends. Steps' own failures are outcomes.

    Args:
        file: what the summary says it came from.
        name: its id, to be able to resume it whatever happens; `new_script_id()` by default.

    Raises:
        BadArguments: a step holds a password; the script would keep it on disk.
    """
    _check_kept(script)
    name = name or new_script_id()
    stage = _stage(office, name, script, emit)
    write_json(stage.folder / RECORD, {"file": file, "script": script.model_dump(mode="json", exclude_unset=True)})
    return _carry_out(stage, file, [], told)


def resume_script(office: "Office", name: str, *, emit: "Emit | None" = None, told: Told = untold) -> ScriptSummary:
    """Go on with a script that was cut off: steps that are done stay done, the first that is not is done again.

    Raises:
        NotFound: `script_not_found`.
    """
    root = office.workshop.home / "scripts"
    # an id is a name, never a path
    record = root / Path(name).name / RECORD
    if not record.exists():
        raise NotFound("script", name, sorted(path.parent.name for path in root.glob(f"*/{RECORD}")))
    found = json.loads(record.read_text())
    stage = _stage(office, record.parent.name, Script.model_validate(found["script"]), emit)
    kept = stage.folder / OUTCOMES
    outcomes = json.loads(kept.read_text())["steps"] if kept.exists() else []
    done = [StepOutcome.model_validate(outcome) for outcome in outcomes]
    finished = [outcome for outcome in done if outcome.state == "done"]
    return _carry_out(stage, str(found["file"]), finished, told)


def _check_kept(script: Script) -> None:
    for number, step in enumerate(script.steps, 1):
        named = (
            [step.data] if isinstance(step, RunStep) else _texts(step.arguments if isinstance(step, ToolStep) else {})
        )
        if any(without_secrets(text) != text for text in named):
            raise BadArguments(
                f"A script is kept on disk, and step {number} names a database with a password or parameters.",
                "Import it first (millwright data import URL --query SQL) and name the dataset's id in the script.",
            )


def _texts(value: object) -> Iterator[str]:
    """Every text in JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _stage(office: "Office", name: str, script: Script, emit: "Emit | None") -> _Stage:
    from graphs.events import unheard

    return _Stage(office, name, script, emit or unheard)


def _carry_out(stage: _Stage, file: str, outcomes: list[StepOutcome], told: Told) -> ScriptSummary:
    start = time.monotonic()
    numbers = {outcome.number for outcome in outcomes}
    skipping = ""
    for number, step in enumerate(stage.script.steps, 1):
        if number in numbers:
            continue
        spent = time.monotonic() - start
        if stage.script.budget_seconds is not None and spent >= stage.script.budget_seconds:
            skipping = skipping or f"The script's {stage.script.budget_seconds:g} s are used up."
        outcome = _skipped(number, step, skipping) if skipping else _timed(stage, number, step)
        outcomes.append(outcome)
        write_json(stage.folder / OUTCOMES, {"steps": [each.model_dump(mode="json") for each in outcomes]})
        (stage.folder / BEGUN).unlink(missing_ok=True)
        told(outcome)
        if outcome.state != "done" and stage.script.stop_on_failure and not skipping:
            skipping = f"Step {number} was not done."
    outcomes.sort(key=lambda outcome: outcome.number)
    return ScriptSummary(
        script=stage.name,
        file=file,
        policy=stage.script.policy,
        ok=all(outcome.state == "done" for outcome in outcomes),
        seconds=round(time.monotonic() - start, 3),
        session=_session_of(stage),
        steps=tuple(outcomes),
    )


def _skipped(number: int, step: AnyStep, why: str) -> StepOutcome:
    return StepOutcome(number=number, kind=step.kind, what=step.what, state="skipped", text=why)


def _timed(stage: _Stage, number: int, step: AnyStep) -> StepOutcome:
    start = time.monotonic()
    try:
        outcome = _done(stage, number, step)
    except MillwrightError as error:
        told = {"code": error.code, "message": error.sentence, "hint": error.hint}
        outcome = StepOutcome(number=number, kind=step.kind, what=step.what, state="failed", error=told)
    return outcome.model_copy(update={"seconds": round(time.monotonic() - start, 3)})


def _done(stage: _Stage, number: int, step: AnyStep) -> StepOutcome:
    match step:
        case RunStep():
            return _run(stage, number, step)
        case SayStep():
            return _say(stage, number, step)
        case ToolStep():
            return _call(stage, number, step)


def _run(stage: _Stage, number: int, step: RunStep) -> StepOutcome:
    from graphs.run_types import RunRequest, StepWaiting
    from graphs.runs import resume_run, start_run

    office = stage.office
    given: dict[str, Any] = {"target": step.target, **step.options, "goal": step.run, "data": step.data}
    if step.budget_seconds is not None or step.options.get("max_models") is None:
        given["budget_seconds"] = step.budget_seconds or office.budget_seconds
    run = f"run_{stage.name.removeprefix('scr_')}_{number}"

    def allowed(wanted: StepWaiting) -> bool:
        # a leak was not known when the policy was chosen
        return stage.allows(wanted.tool, step) and not wanted.concerns

    if (office.workshop.runs / run).exists():
        summary = resume_run(
            office.workshop, office.model, office.saver, run, lambda plan: True, stage.emit, approve_step=allowed
        )
    else:
        summary = start_run(
            office.workshop, office.model, office.saver, RunRequest.of(**given), run, lambda plan: True, stage.emit,
            approve_step=allowed,
        )  # fmt: skip
    result = summary.model_dump(mode="json")
    text = f"{summary.metric.name} {summary.metric.value:.4g} on the sealed test rows"
    unmet = [*_bounds(step.expect, summary.metric.name, summary.metric.value), *_fields(step.expect, result)]
    outcome = _outcome(number, step, text, result, unmet)
    declined = [each.tool for each in summary.steps if each.state == "declined"]
    return _declined(stage, outcome, declined) if declined else outcome


def _declined(stage: _Stage, outcome: StepOutcome, tools: Sequence[str]) -> StepOutcome:
    why = (
        f"Not allowed by the policy {stage.script.policy!r}, or for a leak that was found, or not asked for in the "
        f"step's own words: {', '.join(tools)}."
    )
    return outcome.model_copy(update={"state": "declined", "unmet": (*outcome.unmet, why)})


def _say(stage: _Stage, number: int, step: SayStep) -> StepOutcome:
    sessions = stage.office.sessions()
    session = _session_of(stage) or _new_session(stage, sessions)
    turn = _turn(stage, sessions, session, number, step.say)
    declined: list[str] = []
    while turn.approval is not None:
        turn = _decided(stage, sessions, session, turn.approval, step, declined)
    if turn.cause is not None:
        raise turn.cause
    unmet = [
        f"The answer does not say {words!r}."
        for words in step.expect.contains
        if words.lower() not in turn.text.lower()
    ]
    outcome = _outcome(number, step, turn.text, None, unmet)
    return _declined(stage, outcome, declined) if declined else outcome


def _turn(stage: _Stage, sessions: "Sessions", session: str, number: int, line: str) -> "Turn":
    """Say `line`, or go on with the turn in which it was said when the script was cut off."""
    from graphs.sessions import Turn

    file, turns = stage.folder / BEGUN, sessions.turns(session)
    begun = json.loads(file.read_text()) if file.exists() else {}
    newest = turns[-1] if turns else None
    if begun.get("step") == number and newest is not None and newest.number > begun["turns"]:
        turn = sessions.resume(session, stage.emit)
        if turn is not None:
            return turn
        if newest.state != "failed":
            answers = [said.text for said in sessions.history(session) if said.role == "assistant"]
            return Turn(text=answers[-1] if answers else "", approval=sessions.pending(session))
    write_json(file, {"step": number, "turns": newest.number if newest is not None else 0})
    return sessions.send(session, line, stage.emit)


def _decided(
    stage: _Stage, sessions: "Sessions", session: str, wanted: "ApprovalWanted", step: AnyStep, declined: list[str]
) -> "Turn":
    from graphs.assistant_types import Decision

    named = stage.names(wanted.tool, wanted.arguments, step)
    allowed = named or (stage.allows(wanted.tool, step) and not wanted.tainted)
    if not allowed:
        declined.append(f"{wanted.tool} ({BOUND})" if wanted.tainted else wanted.tool)
    reason = "" if allowed else "Nobody is here to approve it, and the script's policy does not."
    return sessions.approve(session, wanted.approval, Decision(approve=allowed, reason=reason), stage.emit)


def _call(stage: _Stage, number: int, step: ToolStep) -> StepOutcome:
    from graphs.calls import use_tool

    workshop: Workshop = stage.office.workshop
    if step.tool in workshop.tools and not stage.allows(step.tool, step):
        effect = workshop.tools[step.tool].effect
        why = f"{step.tool} has the effect {effect!r}, which the policy {stage.script.policy!r} does not allow."
        outcome = _outcome(number, step, "", None, [f"{why} Name it in the step's `approve`."])
        return outcome.model_copy(update={"state": "declined"})
    call = f"{stage.name}/{number}"
    result = use_tool(workshop, step.tool, step.arguments, call=call, emit=stage.emit).model_dump(mode="json")
    return _outcome(number, step, "", result, _fields(step.expect, result))


def _outcome(number: int, step: AnyStep, text: str, result: dict[str, Any] | None, unmet: list[str]) -> StepOutcome:
    state = "failed" if unmet else "done"
    return StepOutcome.model_validate(
        {
            "number": number,
            "kind": step.kind,
            "what": step.what,
            "state": state,
            "text": text,
            "result": result,
            "unmet": unmet,
        }
    )


def _bounds(expected: Expected, name: str, value: float) -> list[str]:
    unmet = []
    if expected.at_least is not None and not value >= expected.at_least:
        unmet.append(f"{name} is {value:.4g}, and at least {expected.at_least:g} was expected.")
    if expected.at_most is not None and not value <= expected.at_most:
        unmet.append(f"{name} is {value:.4g}, and at most {expected.at_most:g} was expected.")
    return unmet


_MISSING = object()


def _fields(expected: Expected, result: Mapping[str, Any]) -> list[str]:
    unmet = []
    for path, wanted in expected.fields.items():
        found = _at(result, path)
        if found is _MISSING:
            unmet.append(f"The result has no {path!r}; it has: {', '.join(result)}.")
        elif found != wanted:
            unmet.append(f"{path} is {found!r}, and {wanted!r} was expected.")
    return unmet


def _at(value: object, path: str) -> object:
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _new_session(stage: _Stage, sessions: "Sessions") -> str:
    made = sessions.create(f"script {stage.name}", memory=stage.script.memory).id
    write_json(stage.folder / "session.json", {"session": made})
    return made


def _session_of(stage: _Stage) -> str | None:
    file = stage.folder / "session.json"
    return str(json.loads(file.read_text())["session"]) if file.exists() else None


def with_policy(script: Script, policy: Policy | None) -> Script:
    """The script under another policy, when one is given."""
    return script if policy is None else script.model_copy(update={"policy": policy})
