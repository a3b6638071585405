"""A research: a supervisor sends the researcher, the coder and the reviewer to work until the draft stands.

    prepare -> supervise -> ask <-> look ... -> draft -> supervise      (researcher)
                         -> code -> supervise                           (coder)
                         -> review -> supervise                         (reviewer)
                         -> finish

State is JSON and holds what must survive a restart; context is given anew each time. A node takes one decision or makes
one call, under a name made from the run and the number of the inquiry, so that a replay finds the job again. Decisions
are proposals of the model (see `graphs.research_decisions`); the bounds and the review are code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel

from agents.claims import one_spaced
from agents.marked import error_for_a_model
from agents.research import SEARCH, Finding
from engine.errors import Fixable
from engine.files import write_atomic, write_json
from graphs.assistant import as_it_is
from graphs.calls import use_tool
from graphs.clock import RunClock
from graphs.documents import Search
from graphs.events import Artifact, Emit, Handover, TextDelta, ToolFinished, ToolStarted, unheard
from graphs.notebook import Said, notebook_of
from graphs.proposals import Question, propose
from graphs.receipts import Receipt, script_of
from graphs.research_decisions import (
    CODE,
    DRAFT,
    ROUTE,
    common_facts,
    draft_facts,
    inquiry_question,
    route_facts,
    tools_for,
)
from graphs.research_review import Review, review_of
from graphs.research_start import begin
from graphs.research_types import (
    MOST_DECISIONS,
    MOST_INQUIRIES,
    MOST_ROUTES,
    ReportedFinding,
    ResearchRequest,
    ResearchSummary,
    Source,
)
from graphs.research_words import digest_of, notes_of, report_of
from tools.catalogue import CATALOGUE
from tools.spec import ToolSpec
from tools.workshop import Workshop

Json = dict[str, Any]
RESERVE = 0.05
"""Share of the budget that is left for the draft, the review and the files."""


class ResearchState(TypedDict, total=False):
    """Each value is the JSON of the type named behind it."""

    run: str
    request: Json  # ResearchRequest
    dataset: str | None
    target: str | None
    model: str | None
    receipts: list[Json]  # Receipt
    steps: int
    decisions: int
    inquiries: int
    route: str
    task: str
    inquiry: Json  # the tool and the arguments to be called next; empty when there is none
    draft: list[Json]  # Finding; empty when there is none, or when it was sent back
    sent: list[Json]  # the draft that was sent back last
    problems: list[str]
    sent_back: int
    reviewed: bool
    code: Json  # CodeProposal; empty until the coder has written, and when there is more to write
    ended: Literal["reviewed", "steps", "time"]
    summary: Json  # ResearchSummary


@dataclass(frozen=True)
class ResearchContext:
    """What a research works with in this process. `search` is None where nothing is indexed."""

    workshop: Workshop
    model: BaseChatModel
    clock: RunClock
    search: Search | None = None
    emit: Emit = unheard
    most_routes: int = MOST_ROUTES
    tools: Mapping[str, ToolSpec] = field(default_factory=lambda: CATALOGUE)
    """Those that a program may call which opens a workshop by itself."""


Update = dict[str, object]
Work = Runtime[ResearchContext]
Proposal = TypeVar("Proposal", bound=BaseModel)

# nodes


def prepare(state: ResearchState, runtime: Work) -> Update:
    """Find or import the data, and the column that the question means."""
    context = runtime.context
    known = begin(context.workshop, context.model, _request(state), state["run"], context.search, context.emit)
    empty: Update = {
        "steps": 0,
        "decisions": 0,
        "inquiries": 0,
        "draft": [],
        "sent": [],
        "problems": [],
        "sent_back": 0,
    }
    return {**empty, **known, "reviewed": False, "code": {}}


def supervise(state: ResearchState, runtime: Work) -> Update:
    """Decide who works next. The end comes by itself once the steps or the time are used up."""
    context, steps = runtime.context, state["steps"] + 1
    ended = "time" if _is_late(state, runtime) else "steps" if steps > context.most_routes else None
    if ended is not None:
        return {"route": "end", "steps": state["steps"], "ended": ended}
    choice, decisions = _decide(state, runtime, ROUTE, route_facts(_facts(state, runtime), state))
    if choice.next != "end":
        context.emit(Handover(agent=choice.next, task=choice.task))
    return {"route": choice.next, "task": choice.task, "steps": steps, "decisions": decisions, "ended": "reviewed"}


def ask(state: ResearchState, runtime: Work) -> Update:
    """The researcher decides what to find out next, or that enough is known. Late, the rule asks what costs no time."""
    if state["inquiries"] >= MOST_INQUIRIES:
        return {"inquiry": {}}
    question, facts = inquiry_question(_offered(runtime)), _facts(state, runtime)
    if _is_late(state, runtime):
        reading = [name for name in facts["tools"] if name == SEARCH or _offered(runtime)[name].effect == "read"]
        choice, decisions = question.rule({**facts, "tools": reading}), state["decisions"]
    else:
        choice, decisions = _decide(state, runtime, question, {**facts, "problems": state["problems"]})
    if choice.tool is None:
        return {"inquiry": {}, "decisions": decisions}
    runtime.context.emit(TextDelta(text=f"{choice.why}\n" if choice.why else ""))
    return {"inquiry": {"tool": choice.tool, "arguments": choice.arguments}, "decisions": decisions}


def look(state: ResearchState, runtime: Work) -> Update:
    """The call that was decided on. A Fixable error is a receipt too; any other ends the research, to be resumed."""
    tool, arguments = state["inquiry"]["tool"], state["inquiry"]["arguments"]
    number, name = state["inquiries"] + 1, f"r{len(state['receipts']) + 1}"
    call = f"{state['run']}/inquiry-{number}"
    try:
        result = _used(runtime.context, tool, arguments, call)
        receipt = Receipt(id=name, tool=tool, arguments=arguments, result=result)
    except Fixable as error:
        told = error_for_a_model(str(error), runtime.context.workshop.home, arguments)
        receipt = Receipt(id=name, tool=tool, arguments=arguments, error=told)
    found: Update = {"inquiries": number, "receipts": [*state["receipts"], receipt.model_dump(mode="json")]}
    return {**found, "model": state["model"] or _model_in(receipt, state), "code": {}}


def draft(state: ResearchState, runtime: Work) -> Update:
    """The researcher writes down what was found."""
    facts = draft_facts(_facts(state, runtime), _results(state), state["sent"], state["problems"])
    choice, decisions = _decide(state, runtime, DRAFT, facts)
    runtime.context.emit(TextDelta(text=f"A draft of {len(choice.findings)} findings.\n"))
    findings = [finding.model_dump(mode="json") for finding in choice.findings]
    return {"draft": findings, "reviewed": False, "decisions": decisions}


def code(state: ResearchState, runtime: Work) -> Update:
    """The coder writes the calls down as a program and a notebook; they are read back, and nothing of them is run."""
    choice, decisions = _decide(state, runtime, CODE, _facts(state, runtime))
    chosen = choice.model_dump(mode="json")
    script, _ = _write_code(state, runtime, chosen)
    runtime.context.emit(TextDelta(text=f"Wrote {script.name} with {len(choice.receipts)} calls.\n"))
    return {"code": chosen, "decisions": decisions}


def review(state: ResearchState, runtime: Work) -> Update:
    """The reviewer checks the draft and sends it back with the reasons, as often as the request allows."""
    found, sent_back = _review(state), state["sent_back"]
    told = f"Checked {len(found.claims)} figures and names; {len(found.problems)} problems."
    if found.problems and sent_back < _request(state).reviews:
        runtime.context.emit(TextDelta(text=f"{told} Sent back: {' '.join(found.problems)}\n"))
        return {"draft": [], "sent": state["draft"], "problems": list(found.problems), "sent_back": sent_back + 1}
    runtime.context.emit(TextDelta(text=f"{told}\n"))
    return {"reviewed": True, "problems": []}


def finish(state: ResearchState, runtime: Work) -> Update:
    """Strike what no result holds, write the report; what nobody came to do is done by rule."""
    context, request = runtime.context, _request(state)
    if not state["draft"]:
        # the last draft may have been sent back; a struck draft of the team's says more than one by rule
        facts = draft_facts(_facts(state, runtime), _results(state), [], [])
        by_rule = [finding.model_dump(mode="json") for finding in DRAFT.rule(facts).findings]
        state = {**state, "draft": state["sent"] or by_rule}
    found, receipts = _review(state), _receipts(state)
    chosen = state["code"] or CODE.rule(_facts(state, runtime)).model_dump(mode="json")
    script, notebook = _write_code(state, runtime, chosen, found.findings)
    report, seconds = _folder(state, runtime) / "report.md", round(context.clock.spent(), 3)
    summary = ResearchSummary(
        run=state["run"],
        question=request.question,
        dataset=state["dataset"],
        model=state["model"],
        findings=found.findings,
        claims_checked=len(found.claims),
        claims_struck=sum(claim.receipt is None for claim in found.claims),
        sent_back=state["sent_back"],
        documents=context.search is not None,
        sources=_sources(found.findings, receipts),
        report=str(report),
        script=str(script),
        notebook=str(notebook),
        ended=state["ended"],
        steps=state["steps"],
        seconds=seconds,
        notes=notes_of(request, receipts, state["model"], state["target"], seconds),
    )
    write_atomic(report, report_of(summary, receipts, found.claims))
    _tell(context.emit, summary)
    return {"summary": summary.model_dump(mode="json")}


# routes


def after_supervise(state: ResearchState, runtime: Work) -> Literal["ask", "code", "review", "finish"]:
    places: dict[str, Literal["ask", "code", "review"]] = {"researcher": "ask", "coder": "code", "reviewer": "review"}
    return places.get(state["route"], "finish")


def after_ask(state: ResearchState, runtime: Work) -> Literal["look", "draft"]:
    return "look" if state["inquiry"] else "draft"


def build_research(bind: Callable[[Any], Any] = as_it_is) -> StateGraph[ResearchState, ResearchContext]:
    """The graph, not compiled. `bind` wraps each node and route (the studio gives them their context that way)."""
    graph: StateGraph[ResearchState, ResearchContext] = StateGraph(ResearchState, context_schema=ResearchContext)
    for node in (prepare, supervise, ask, look, draft, code, review, finish):
        graph.add_node(node.__name__, bind(node))
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "supervise")
    graph.add_conditional_edges("supervise", bind(after_supervise), ["ask", "code", "review", "finish"])
    graph.add_conditional_edges("ask", bind(after_ask), ["look", "draft"])
    graph.add_edge("look", "ask")
    for node in (draft, code, review):
        graph.add_edge(node.__name__, "supervise")
    graph.add_edge("finish", END)
    return graph


# what the nodes share


def _request(state: ResearchState) -> ResearchRequest:
    return ResearchRequest.model_validate(state["request"])


def _receipts(state: ResearchState) -> list[Receipt]:
    return [Receipt.model_validate(receipt) for receipt in state["receipts"]]


def _review(state: ResearchState) -> Review:
    return review_of([Finding.model_validate(finding) for finding in state["draft"]], _receipts(state))


def _results(state: ResearchState) -> list[Json]:
    return [
        {"id": receipt["id"], "tool": receipt["tool"], "result": digest_of(receipt["result"])}
        for receipt in state["receipts"]
        if receipt["result"] is not None
    ]


def _decide(
    state: ResearchState, runtime: Work, question: Question[Proposal], facts: Mapping[str, object]
) -> tuple[Proposal, int]:
    """The model's decision, or the rule's once the model has been asked as often as it may; and how often that is."""
    if state["decisions"] >= MOST_DECISIONS:
        return question.rule(facts), state["decisions"]
    context = runtime.context
    return propose(context.model, question, facts, context.emit), state["decisions"] + 1


def _facts(state: ResearchState, runtime: Work) -> Json:
    request, spent = _request(state), runtime.context.clock.spent()
    left = max(0.0, request.budget_seconds * (1 - RESERVE) - spent)
    return {
        **common_facts(request, _receipts(state), left),
        **{name: state[name] for name in ("dataset", "target", "model")},
        "documents": runtime.context.search is not None,
        "tools": tools_for(_offered(runtime), search=runtime.context.search is not None),
    }


def _offered(runtime: Work) -> Mapping[str, ToolSpec]:
    return runtime.context.workshop.tools


def _is_late(state: ResearchState, runtime: Work) -> bool:
    """Whether the time is up. A fixed number of models has no clock: the steps alone end it."""
    request = _request(state)
    return request.max_models is None and runtime.context.clock.spent() > request.budget_seconds * (1 - RESERVE)


def _used(context: ResearchContext, tool: str, arguments: Json, call: str) -> Json:
    if tool != SEARCH:
        return use_tool(context.workshop, tool, arguments, call=call, emit=context.emit).model_dump(mode="json")
    assert context.search is not None, "the search is offered only where there is one"
    context.emit(ToolStarted(call=call, tool=tool, arguments=arguments))
    began = context.clock.spent()
    result = context.search(arguments["query"]).model_dump(mode="json")
    context.emit(ToolFinished(call=call, tool=tool, seconds=context.clock.spent() - began, result=result))
    return result


def _model_in(receipt: Receipt, state: ResearchState) -> str | None:
    """The model that a result tells of: the one just trained, or the newest that predicts the target from the data."""
    result = receipt.result or {}
    if receipt.tool == "train_model":
        return result.get("model")
    if receipt.tool != "list_models":
        return None
    same = [
        row
        for row in result["models"]
        if (row["dataset"], row["target"], row["made_from"]) == (state["dataset"], state["target"], None)
    ]
    return max(same, key=lambda row: str(row["created"]))["model"] if same else None


def _folder(state: ResearchState, runtime: Work) -> Path:
    return runtime.context.workshop.home / "research" / Path(state["run"]).name


def _write_code(
    state: ResearchState, runtime: Work, chosen: Json, findings: tuple[ReportedFinding, ...] = ()
) -> tuple[Path, Path]:
    """The program and the notebook of the chosen calls; `script_of` and `notebook_of` read what they have written."""
    folder, title = _folder(state, runtime), str(chosen["title"])
    # a program opens a workshop by itself, which offers what is in the catalogue
    tools = {name: spec for name, spec in _offered(runtime).items() if name in runtime.context.tools}
    receipts = [receipt for receipt in _receipts(state) if receipt.id in chosen["receipts"]]
    said = [Said(text=_request(state).question, by="user")]
    told = [Said(text=f"{finding.text} {' '.join(f'[{name}]' for name in finding.receipts)}") for finding in findings]
    script, notebook = folder / "script.py", folder / "notebook.ipynb"
    write_atomic(script, script_of(receipts, title, tools))
    write_json(notebook, notebook_of([*said, *receipts, *told], title, tools))
    return script, notebook


def _sources(findings: tuple[ReportedFinding, ...], receipts: list[Receipt]) -> tuple[Source, ...]:
    """The passages that the findings quote, once each."""
    searches = [receipt.result for receipt in receipts if receipt.tool == SEARCH and receipt.result]
    quotes = [quote for result in searches for quote in result["answer"]["citations"]]
    said = " ".join(finding.text for finding in findings)
    found = [Source(**{name: quote[name] for name in Source.model_fields}) for quote in quotes]
    return tuple(dict.fromkeys(source for source in found if one_spaced(source.quote) in said))


def _tell(emit: Emit, summary: ResearchSummary) -> None:
    for finding in summary.findings:
        emit(TextDelta(text=f"- {finding.text} {' '.join(f'[{name}]' for name in finding.receipts)}\n"))
    emit(Artifact(name="report", path=summary.report))
    emit(Artifact(name="script", path=summary.script))
    emit(Artifact(name="notebook", path=summary.notebook))
