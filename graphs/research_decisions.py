"""The four decisions a chat model takes inside a research: who works, what to find out, the draft, the program."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from agents.research import (
    MOST_TRAININGS,
    SEARCH,
    CodeProposal,
    DraftProposal,
    InquiryProposal,
    RouteProposal,
    choose_code,
    choose_inquiry,
    choose_route,
)
from agents.research_draft import draft_findings
from engine.errors import BadArguments
from engine.naming import did_you_mean
from graphs.proposals import Facts, Question
from graphs.receipts import Receipt
from graphs.research_types import ResearchRequest
from tools.arguments import parse_request
from tools.spec import ToolSpec

Json = dict[str, Any]
Tools = Mapping[str, ToolSpec]
FINDING_OUT = frozenset(
    {
        *("list_datasets", "profile_dataset", "list_models", "show_model", "explain_model", "evaluate_model"),
        *("compare_models", "estimate_training", "train_model", "benchmark_models", "show_optimisation", "test_model"),
        *("check_drift", "monitor_status", "evaluate_actions", "list_alerts"),
    }
)
"""By these the researcher may find out; of them, only what reads and computes."""
TRAINING_SHARE = 0.6
"""Of the time that is left, for one training."""
AFTER_TRAINING = 10.0
"""Seconds that a training leaves to what comes after it: the model is packaged, explained and judged."""


def common_facts(request: ResearchRequest, receipts: Sequence[Receipt], seconds_left: float) -> Json:
    """What every decision is told of the request and of what was done."""
    trainings = sum(receipt.tool == "train_model" for receipt in receipts)
    most = max(0.0, round(min(seconds_left * TRAINING_SHARE, seconds_left - AFTER_TRAINING), 1))
    profiles = [receipt.result for receipt in receipts if receipt.tool == "profile_dataset" and receipt.result]
    return {
        "question": request.question,
        "seed": request.seed,
        "max_models": request.max_models,
        "training_seconds": None if request.max_models else most if trainings < MOST_TRAININGS else 0.0,
        "profiled": [profile["target"] for profile in profiles],
        "leaks": sorted({leak["column"] for profile in profiles for leak in profile.get("leaks", ())}),
        "done": [_done(receipt) for receipt in receipts],
    }


def tools_for(tools: Tools, *, search: bool) -> Json:
    """The tools that the researcher may call, with what each does and takes."""
    told: Json = {
        name: {
            "does": spec.description,
            "takes": {field: about.description for field, about in spec.request.model_fields.items()},
        }
        for name, spec in tools.items()
        if _may_find_out(spec)
    }
    if search:
        told[SEARCH] = {
            "does": "Search the indexed documents for passages that answer a question.",
            "takes": {"query": "A question or some words to look for."},
        }
    return told


def route_facts(facts: Json, state: Mapping[str, Any]) -> Json:
    """What the supervisor is told."""
    return {
        **{name: facts[name] for name in ("question", "dataset", "target", "model", "done")},
        "draft": [finding["text"] for finding in state["draft"]],
        "code": bool(state["code"]),
        "reviewed": state["reviewed"],
        "problems": state["problems"],
        "sent_back": state["sent_back"],
    }


def draft_facts(facts: Json, results: list[Json], sent: list[Json], problems: list[str]) -> Json:
    """What the researcher is told for the draft."""
    known = {name: facts[name] for name in ("question", "dataset", "target", "model", "documents", "leaks")}
    return {**known, "results": results, "sent_back": sent, "problems": problems}


def check_route(proposal: RouteProposal, facts: Facts) -> str | None:
    """What is wrong with the next in turn."""
    if proposal.next == "coder" and not any(row["ok"] for row in _rows(facts["done"])):
        return "next: nothing was done yet that a program could do again."
    if proposal.next == "reviewer" and not facts["draft"]:
        return "next: there is no draft to review."
    if proposal.next == "end" and not facts["reviewed"]:
        return "next: the draft was not reviewed yet."
    return None


def check_inquiry(tools: Tools, proposal: InquiryProposal, facts: Facts) -> str | None:
    """What is wrong with the next call."""
    offered = facts["tools"]
    assert isinstance(offered, Mapping)
    if proposal.tool is None:
        return None
    if proposal.tool not in offered:
        near = did_you_mean(proposal.tool, list(offered))
        return f"tool: {proposal.tool!r} is not offered. There are: {', '.join(offered)}. {near}".strip()
    if any((row["tool"], row["arguments"]) == (proposal.tool, proposal.arguments) for row in _rows(facts["done"])):
        return "This call was made already; its result is in `done`."
    if proposal.tool == SEARCH:
        query = proposal.arguments.get("query")
        fits = set(proposal.arguments) == {"query"} and isinstance(query, str) and bool(query.strip())
        return None if fits else "arguments: search_documents takes one text, `query`."
    try:
        parse_request(tools[proposal.tool], proposal.arguments)
    except BadArguments as error:
        return str(error)
    return _training_fault(proposal.arguments, facts) if proposal.tool == "train_model" else None


def check_draft(proposal: DraftProposal, facts: Facts) -> str | None:
    """Whether each finding names results; whether they hold what it states is the reviewer's to say."""
    known = {str(row["id"]) for row in _rows(facts["results"])}
    for number, finding in enumerate(proposal.findings, 1):
        unknown = [name for name in finding.receipts if name not in known]
        if unknown:
            return f"findings.{number}: there is no receipt {unknown[0]!r}. There are: {', '.join(sorted(known))}."
    return None


def check_code(proposal: CodeProposal, facts: Facts) -> str | None:
    """What is wrong with the chosen calls."""
    known = {str(row["id"]): row["ok"] for row in _rows(facts["done"])}
    unknown = [name for name in proposal.receipts if not known.get(name)]
    if unknown:
        return f"receipts: {unknown[0]!r} is no call that gave a result."
    return None


def inquiry_question(tools: Tools) -> Question[InquiryProposal]:
    """The researcher's question over these tools."""
    return Question("propose_inquiry", InquiryProposal, partial(check_inquiry, tools), choose_inquiry)


ROUTE = Question("propose_route", RouteProposal, check_route, choose_route)
DRAFT = Question("propose_draft", DraftProposal, check_draft, draft_findings)
CODE = Question("propose_code", CodeProposal, check_code, choose_code)


def _training_fault(arguments: Json, facts: Facts) -> str | None:
    most, asked = facts["training_seconds"], arguments.get("budget_seconds", 60.0)
    if most is None and arguments.get("max_models") != facts["max_models"]:
        return f"max_models: the user asked for {facts['max_models']}."
    if isinstance(most, int | float) and (asked is None or asked > most):
        return f"budget_seconds: at most {most} are left for a training."
    return _leak_fault(arguments, facts)


def _leak_fault(arguments: Json, facts: Facts) -> str | None:
    """What gives the target away is known only from a profile, and has no place in a training."""
    offered, leaks, profiled = facts["tools"], facts["leaks"], facts["profiled"]
    assert isinstance(offered, Mapping)
    assert isinstance(leaks, list)
    assert isinstance(profiled, list)
    target = arguments.get("target") or facts["target"]
    if "profile_dataset" in offered and target not in profiled:
        return "profile_dataset comes first, with the same target: it says which columns give the target away."
    kept = [name for name in leaks if name not in (*arguments.get("drop", ()), target)]
    return f"drop: {', '.join(map(repr, kept))} would give the target away; leave them out." if kept else None


def _may_find_out(spec: ToolSpec) -> bool:
    return spec.name in FINDING_OUT and spec.effect in ("read", "compute")


def _done(receipt: Receipt) -> Json:
    row: Json = {"id": receipt.id, "tool": receipt.tool, "arguments": receipt.arguments, "ok": receipt.error is None}
    if receipt.error is not None:
        row["error"] = receipt.error
    if receipt.tool == "train_model" and receipt.result is not None:
        row["model"] = receipt.result.get("model")
    return row


def _rows(value: object) -> list[Json]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
