"""The loop: detect -> diagnose -> decide -> retrain -> gate -> announce -> approve -> promote or roll back -> tell.

The policy of the monitor decides, not a language model. State is JSON and holds what must survive a restart. A node
calls at most one tool that has an effect, under a name made from the loop, so a replay finds the job instead of a
second one; and no monitor has two retrainings in flight, whoever asks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from engine.drift.levels import Level
from engine.errors import Busy, Fixable, JobFailed
from graphs.assistant import as_it_is
from graphs.assistant_types import Decision
from graphs.calls import use_tool
from graphs.events import Emit, TextDelta, unheard
from graphs.loop_types import LoopRequest, LoopSummary, Proposal, proposal_of, sentence_of
from graphs.loop_words import announced, decided, diagnosed, gated
from tools.drift import ActionAdvice, DriftCheck, Retrained
from tools.leaks import leaks_of
from tools.retraining import champion_of
from tools.settling import decline as decline_challenger
from tools.spec import ToolResult
from tools.workshop import Workshop

Json = dict[str, Any]


class LoopState(TypedDict, total=False):
    """Each value is the JSON of the type named behind it."""

    loop: str
    request: Json  # LoopRequest
    check: Json  # DriftCheck
    advice: Json  # ActionAdvice
    retrain: bool  # what was decided
    retrained: Json  # Retrained; missing when nothing was trained
    refused: str  # why nothing was trained, in words
    proposal: Json  # Proposal
    settled: bool  # whether somebody decided elsewhere
    approved: bool
    outcome: str  # once something was decided on
    summary: Json  # LoopSummary


@dataclass(frozen=True)
class LoopContext:
    """What a loop works with in this process."""

    workshop: Workshop
    emit: Emit = unheard


Update = dict[str, object]
Work = Runtime[LoopContext]

# nodes


def detect(state: LoopState, runtime: Work) -> Update:
    """Check the complete windows; whoever is to hear of a level hears of it here."""
    check = _use(state, runtime, "check_drift", {"monitor": _monitor(state)})
    return {"check": check.model_dump(mode="json")}


def diagnose(state: LoopState, runtime: Work) -> Update:
    """Which features, since when, which slices; and what the policy asks for."""
    advice = _use(state, runtime, "evaluate_actions", {"monitor": _monitor(state)})
    assert isinstance(advice, ActionAdvice)
    runtime.context.emit(TextDelta(text=diagnosed(advice)))
    return {"advice": advice.model_dump(mode="json")}


def decide(state: LoopState, runtime: Work) -> Update:
    """Train a challenger or leave things as they are, by the policy (or because the request says so)."""
    advice, request = _advice(state), _request(state)
    retrain = request.force or advice.retrain
    runtime.context.emit(TextDelta(text=decided(advice, retrain)))
    return {"retrain": retrain}


def retrain(state: LoopState, runtime: Work) -> Update:
    """Train on old and fresh rows as a durable job. What cannot be trained now is told; the loop goes on to its end."""
    request = _request(state)
    arguments = {"monitor": request.monitor, "budget_seconds": request.budget_seconds, "seed": request.seed}
    try:
        result = _use(state, runtime, "retrain_model", arguments)
    except (Fixable, Busy, JobFailed) as error:
        runtime.context.emit(TextDelta(text=f"No challenger was trained. {error}\n"))
        return {"refused": str(error)}
    return {"retrained": result.model_dump(mode="json")}


def gate(state: LoopState, runtime: Work) -> Update:
    """What to propose: the challenger if it beat the champion, else an earlier champion that does, else nothing."""
    proposal = proposal_of(_advice(state), Retrained.model_validate(state["retrained"]))
    runtime.context.emit(TextDelta(text=gated(proposal)))
    return {"proposal": proposal.model_dump(mode="json")}


def announce(state: LoopState, runtime: Work) -> Update:
    """Let those who hear of the trouble know what waits for a decision, since nobody may be looking on."""
    sentence = announced(_advice(state).monitor, _proposal(state))
    told = {"monitor": _monitor(state), "resolved": False, "sentence": sentence, "about": "decision"}
    _use(state, runtime, "tell_outcome", told, call="announce")
    return {}


def approve(state: LoopState, runtime: Work) -> Update:
    """Wait for a person unless the request says yes to all, or somebody has decided elsewhere.

    Runs again from its top when the answer comes, so no effect precedes the wait, and a late yes changes nothing.
    """
    if decided_elsewhere(state, runtime.context.workshop):
        return {"settled": True}
    if _request(state).approve_all:
        return {"approved": True}
    answer: Any = interrupt({"proposal": state["proposal"], "retrained": state["retrained"]})
    return {"approved": Decision.model_validate(answer).approve}


def promote(state: LoopState, runtime: Work) -> Update:
    """Make the challenger the champion."""
    proposal = _proposal(state)
    _use(state, runtime, "promote_model", {"model": proposal.model, "alias": "champion"})
    return {"outcome": "promoted"}


def roll_back(state: LoopState, runtime: Work) -> Update:
    """Make the earlier champion the champion again: the one that was agreed to, whatever was promoted meanwhile."""
    proposal, registry = _proposal(state), runtime.context.workshop.registry
    previous = registry.previous(proposal.name)
    if previous is not None and previous.model_id == proposal.model:
        _use(state, runtime, "roll_back_model", {"name": proposal.name})
    elif registry.get(f"{proposal.name}@champion").model_id != proposal.model:
        # it was in use before, and going back to it was agreed to: no leak of it is news
        known = leaks_of(runtime.context.workshop, proposal.model)
        chosen = {"model": proposal.model, "alias": "champion", "despite_leaks": known}
        _use(state, runtime, "promote_model", chosen)
    # else it is the champion already: this node was cut off after it had rolled back, and twice is once too often
    return {"outcome": "rolled_back"}


def decline(state: LoopState, runtime: Work) -> Update:
    """Note that the challenger is not wanted, so that it no longer waits."""
    decline_challenger(runtime.context.workshop, Retrained.model_validate(state["retrained"]).retraining)
    return {"outcome": "declined"}


def settle(state: LoopState, runtime: Work) -> Update:
    """Leave what somebody decided elsewhere as it is, and let nobody be told that it waits."""
    decline_challenger(runtime.context.workshop, Retrained.model_validate(state["retrained"]).retraining)
    return {"outcome": "settled"}


def tell(state: LoopState, runtime: Work) -> Update:
    """Tell those who heard of the trouble how it ended; sum up."""
    check, advice, retrained = _check(state), _advice(state), _retrained(state)
    outcome = _outcome(state)
    summary = LoopSummary(
        loop=state["loop"],
        monitor=_monitor(state),
        level=check.level,
        outcome=outcome,
        retrained=retrained,
        sentence=sentence_of(outcome, advice, retrained, state.get("refused", "")),
    )
    if outcome != "nothing_to_do":
        told = {"monitor": _monitor(state), "resolved": outcome in {"promoted", "rolled_back"}}
        _use(state, runtime, "tell_outcome", {**told, "sentence": summary.sentence})
    runtime.context.emit(TextDelta(text=f"{summary.sentence}\n"))
    return {"summary": summary.model_dump(mode="json")}


# routes


def after_decide(state: LoopState, runtime: Work) -> Literal["retrain", "tell"]:
    return "retrain" if state["retrain"] else "tell"


def after_retrain(state: LoopState, runtime: Work) -> Literal["gate", "tell"]:
    return "gate" if "retrained" in state else "tell"


def after_gate(state: LoopState, runtime: Work) -> Literal["announce", "approve", "tell"]:
    if _proposal(state).action == "keep":
        return "tell"
    return "approve" if _request(state).approve_all else "announce"


def after_approve(state: LoopState, runtime: Work) -> Literal["promote", "roll_back", "decline", "settle"]:
    if state.get("settled"):
        return "settle"
    if not state["approved"]:
        return "decline"
    return "promote" if _proposal(state).action == "promote" else "roll_back"


def build_loop(bind: Callable[[Any], Any] = as_it_is) -> StateGraph[LoopState, LoopContext]:
    """The graph, not compiled. `bind` wraps each node and route (the studio gives them their context that way)."""
    graph: StateGraph[LoopState, LoopContext] = StateGraph(LoopState, context_schema=LoopContext)
    ends = (promote, roll_back, decline, settle)
    for node in (detect, diagnose, decide, retrain, gate, announce, approve, *ends, tell):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "detect")
    graph.add_edge("detect", "diagnose")
    graph.add_edge("diagnose", "decide")
    graph.add_conditional_edges("decide", bind(after_decide), ["retrain", "tell"])
    graph.add_conditional_edges("retrain", bind(after_retrain), ["gate", "tell"])
    graph.add_conditional_edges("gate", bind(after_gate), ["announce", "approve", "tell"])
    graph.add_edge("announce", "approve")
    graph.add_conditional_edges("approve", bind(after_approve), [node.__name__ for node in ends])
    for node in ends:
        graph.add_edge(node.__name__, "tell")
    graph.add_edge("tell", END)
    return graph


# reading the state


def decided_elsewhere(state: LoopState, workshop: Workshop) -> bool:
    """Whether what is proposed is no longer open: the challenger was promoted, declined or passed over by hand, or
    another champion took the place of the one that a roll-back was to end."""
    retrained = Retrained.model_validate(state["retrained"])
    monitors = workshop.monitoring.monitors
    if _proposal(state).action == "promote":
        return monitors.retrainings.get(retrained.retraining).state != "won"
    return champion_of(workshop, monitors.get(_monitor(state))) != retrained.champion


def _request(state: LoopState) -> LoopRequest:
    return LoopRequest.model_validate(state["request"])


def _monitor(state: LoopState) -> str:
    return _request(state).monitor


def _check(state: LoopState) -> DriftCheck:
    return DriftCheck.model_validate(state["check"])


def _advice(state: LoopState) -> ActionAdvice:
    return ActionAdvice.model_validate(state["advice"])


def _retrained(state: LoopState) -> Retrained | None:
    return Retrained.model_validate(state["retrained"]) if "retrained" in state else None


def _proposal(state: LoopState) -> Proposal:
    return Proposal.model_validate(state["proposal"])


def _outcome(state: LoopState) -> Any:  # noqa: ANN401  an Outcome, checked where the summary is made
    if "outcome" in state:
        return state["outcome"]
    if not state["retrain"]:
        return "nothing_to_do" if _advice(state).level < Level.ORANGE else "kept"
    return "kept" if "retrained" in state else "not_trained"


def _use(state: LoopState, runtime: Work, tool: str, arguments: Json, call: str | None = None) -> ToolResult:
    context = runtime.context
    return use_tool(
        context.workshop, tool, arguments, call=f"{state['loop']}/{call or tool}", show=call or tool, emit=context.emit
    )
