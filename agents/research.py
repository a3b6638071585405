"""The decisions of a research team, as proposals that can be checked, and by rule where no model decides.

Facts arrive as JSON; what is missing has a default, what is unknown is ignored.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Facts = Mapping[str, object]
Json = dict[str, Any]
Member = Literal["researcher", "coder", "reviewer"]
MEMBERS: tuple[Member, ...] = ("researcher", "coder", "reviewer")
SEARCH = "search_documents"
MOST_FINDINGS = 12
MOST_TRAININGS = 2
LEAST_TRAINING = 2.0
"""Seconds below which a training is not begun."""
_DOUBTS = re.compile(
    r"\b(trust\w*|rely|reliab\w*|evaluat\w*|mistake\w*|wrong|error\w*|confus\w*|accura\w*|how (?:well|good)|"
    r"good enough)\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(r"\b(compar\w*|best|better|versus|vs|which model|models)\b", re.IGNORECASE)
_DATA = re.compile(r"\b(data|dataset|columns?|rows?|missing|values|quality|clean|leaks?)\b", re.IGNORECASE)
_MODELS = re.compile(
    r"\b(model\w*|predict\w*|driv\w*|matter\w*|important|importance|caus\w*|why|scor\w*|train\w*|learn\w*)\b",
    re.IGNORECASE,
)
_COST = re.compile(r"\b(how long|cost|estimat\w*|time)\b", re.IGNORECASE)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RouteProposal(_Frozen):
    """Who of the team works next, and on what."""

    next: Literal["researcher", "coder", "reviewer", "end"]
    task: str = Field("", max_length=400, description="What is to be done, in one sentence; empty with 'end'.")


class InquiryProposal(_Frozen):
    """The next call by which something is found out; `tool` is null when enough is known."""

    tool: str | None = Field(description="One of the tools in the facts, or null.")
    arguments: Json = Field(default_factory=dict, description="The tool's arguments.")
    why: str = Field("", max_length=400)


class Finding(_Frozen):
    """One statement, with the receipts of the results that it rests on."""

    text: str = Field(min_length=1, max_length=1_500)
    receipts: tuple[str, ...] = Field((), max_length=40, description="Ids of the receipts it rests on, e.g. 'r3'.")


class DraftProposal(_Frozen):
    """The findings, the answer to the question first."""

    findings: tuple[Finding, ...] = Field(min_length=1, max_length=MOST_FINDINGS)


class CodeProposal(_Frozen):
    """Which calls the program makes again, and how it is called."""

    title: str = Field(min_length=1, max_length=120)
    receipts: tuple[str, ...] = Field(min_length=1, max_length=60)


def choose_route(facts: Facts) -> RouteProposal:
    """First find out, then write it down as a program, then have it reviewed; what was sent back is found out anew."""
    if not facts.get("draft"):
        problems = facts.get("problems")
        task = "Mend what the reviewer sent back." if problems else "Find out what answers the question."
        return RouteProposal(next="researcher", task=task)
    if not facts.get("code"):
        return RouteProposal(next="coder", task="Write what was done as a program that can be run again.")
    if not facts.get("reviewed"):
        return RouteProposal(next="reviewer", task="Check every figure and name of the draft against the results.")
    return RouteProposal(next="end")


def choose_inquiry(facts: Facts) -> InquiryProposal:
    """Look at the data, read the documents, find or train the model, then ask of it what the question is about."""
    for tool, arguments, why in _wanted(facts):
        asked = [done for done in _rows(facts.get("done")) if done.get("tool") == tool]
        if tool in _names(facts.get("tools")) and not asked:
            return InquiryProposal(tool=tool, arguments=arguments, why=why)
    return InquiryProposal(tool=None, why="What the rules ask is known.")


def choose_code(facts: Facts) -> CodeProposal:
    """Everything that was done and gave a result."""
    done = [str(row["id"]) for row in _rows(facts.get("done")) if row.get("ok")]
    return CodeProposal(title=str(facts.get("question", ""))[:120] or "What was done", receipts=tuple(done))


def _wanted(facts: Facts) -> list[tuple[str, Json, str]]:
    """The inquiries that the question calls for, in order; those that need a model come once there is one."""
    question, dataset = str(facts.get("question", "")), facts.get("dataset")
    wanted: list[tuple[str, Json, str]] = []
    if dataset:
        wanted.append(("profile_dataset", _about(facts), "What the data holds comes first."))
    if facts.get("documents"):
        wanted.append((SEARCH, {"query": question}, "What is written about it may answer the question."))
    if dataset and facts.get("target"):
        wanted.append(("list_models", {}, "There may be a model for it already."))
    if dataset and facts.get("target") and _COST.search(question):
        wanted.append(("estimate_training", {**_about(facts), "budget_seconds": 60.0}, "The question asks for time."))
    model = facts.get("model")
    if model is None:
        return [*wanted, *_training(facts)]
    if not _trained(facts, model):
        wanted.append(("show_model", {"model": model}, "How the model was judged."))
    wanted.append(("explain_model", {"model": model}, "What the model relies on."))
    if _DOUBTS.search(question):
        wanted.append(("evaluate_model", {"model": model}, "Whether it can be trusted shows on the sealed rows."))
    if _SEVERAL.search(question):
        wanted.append(("compare_models", {}, "The question is about several models."))
    return wanted


def _training(facts: Facts) -> list[tuple[str, Json, str]]:
    seconds = facts.get("training_seconds")
    enough = isinstance(seconds, int | float) and seconds >= LEAST_TRAINING
    if not facts.get("dataset") or not facts.get("target") or not (enough or facts.get("max_models")):
        return []
    if not asks_for_a_model(str(facts.get("question", ""))):
        return []
    limits: Json = {"budget_seconds": round(float(seconds), 1)} if isinstance(seconds, int | float) else {}
    if facts.get("max_models"):
        limits = {"budget_seconds": None, "max_models": facts["max_models"]}
    leaks = [name for name in _names(facts.get("leaks")) if name != facts["target"]]
    arguments = {**_about(facts), **limits, "seed": facts.get("seed", 0), **({"drop": leaks} if leaks else {})}
    told = f" Left out, as they give the target away: {', '.join(map(repr, leaks))}." if leaks else ""
    return [("train_model", arguments, f"There is no model for it yet.{told}"[:400])]


def asks_for_a_model(question: str) -> bool:
    """Whether looking at the data cannot answer the question."""
    return _MODELS.search(question) is not None or _DATA.search(question) is None


def _about(facts: Facts) -> Json:
    return {"dataset": facts["dataset"], **({"target": facts["target"]} if facts.get("target") else {})}


def _trained(facts: Facts, model: object) -> bool:
    """Whether the model was made in this research, so that its training has said how it was judged."""
    return any(done.get("tool") == "train_model" and done.get("model") == model for done in _rows(facts.get("done")))


def _rows(value: object) -> list[Json]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, Sequence) else []


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(name) for name in value]
    return [str(name) for name in value] if isinstance(value, list | tuple) else []
