"""Crews, research, code, notes, tests of a model and the plan of its deployment."""

import re

from agents.offline import working_wording as wording
from agents.offline.conversation import Json
from agents.offline.finding import given, load, model_for, named_dataset
from agents.offline.goals import floor_of
from agents.offline.planning import goal_of
from agents.offline.playing import Play, Request, Told
from agents.offline.words import DIGITS, number

_MANAGED = re.compile(r"\b(?:manager|managed|hierarch\w+|supervis\w+)\b", re.IGNORECASE)
_NOTED = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|please|and|also|can you|could you|from now on|for the future|you should|i want you to|now)"
    r"\W+)*(?:(?:remember|memori[sz]e|note(?: down)?|(?:keep|bear|have) (?:it |this |that )?in mind|"
    r"(?:make|take|add) a note|"
    r"write (?:this |that |it )?down|don['’]?t forget)\b(?: please)?(?: of)?(?:,? that)?\W*)",
    re.IGNORECASE,
)
_FORGOTTEN = re.compile(
    r"\b(?:please|you can|forget|delete|remove|erase|wipe|clear|strike|don['’]?t|do not|no longer|stop|"
    r"remember(?:ing)?|"
    r"any ?more|the|my|your|that|this|what|you|about|on|of|from|memor(?:y|ies)|notes?|facts?|preferences?|thing|it|"
    r"is|are|i|we|a|an)\b",
    re.IGNORECASE,
)
_PREFERS = re.compile(r"\b(?:prefer|always|never|like|want|hate|avoid|don['’]?t|rather|use)\b", re.IGNORECASE)
_EVERYTHING = re.compile(
    r"\b(?:everything|all (?:of )?(?:the |my |your )?(?:notes|memories|facts|that))\b", re.IGNORECASE
)
_MEMORY = re.compile(r"\bmem_[0-9a-z]+\b")
_ROWS_A_DAY = re.compile(
    rf"({DIGITS})\s*(k|m|thousand|million)?\s*(?:rows|predictions|requests|customers|calls)?\s*"
    r"(?:a|per|each|every|/)\s*day\b",
    re.IGNORECASE,
)
_TIMES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_SHARE = re.compile(r"^\d\d(?:\.\d+)?\s*(?:%|percent)$")


def crew(play: Play, request: Request) -> str:
    """The development crew, in order or under a manager."""
    dataset, target, chosen = goal_of(play, request)
    slots = request.slots
    demands = given(max_latency_ms=slots.latency_ms, max_size_mb=slots.size_mb, min_score=_floor(request))
    if slots.metric is not None:
        demands["metric"] = slots.metric
    chosen.pop("metric", None)
    managed = "hierarchical" if _MANAGED.search(request.words) else None
    asked = given(data=dataset, target=target, process=managed, name=slots.name, demands=demands or None, **chosen)
    return wording.crew_done(play.use_mended("run_crew", **asked))


def research(play: Play, request: Request) -> str:
    """The question as it was said, about the table that was spoken of."""
    asked = given(question=request.words, data=_data(play, request), budget_seconds=request.slots.budget)
    return wording.researched(play.use("research", **asked))


def write_code(play: Play, request: Request) -> str:
    """The task as it was said."""
    return wording.code(play.use("write_code", **given(task=request.words, data=_data(play, request))))


def remember(play: Play, request: Request) -> str:
    """What follows 'remember that', word for word."""
    said = _NOTED.sub("", " ".join(request.words.split())).strip(" .")
    if not said:
        raise Told("What should I note? Say for example 'remember that I prefer recall'.")
    kind = "preference" if _PREFERS.search(said) else "fact"
    about = named_dataset(said, play.known)
    return wording.remembered(play.use("remember", **given(text=said, kind=kind, about=about)))


def list_memories(play: Play, request: Request) -> str:
    return wording.memories(play.use("list_memories"))


def forget(play: Play, request: Request) -> str:
    """One note, by its id or its words; all of them only where that is said."""
    named = _MEMORY.search(request.words)
    if named is not None:
        rows = [row for row in play.use("list_memories").get("memories") or [] if isinstance(row, dict)]
        if named.group() not in {str(row.get("id")) for row in rows}:
            raise Told(wording.which_memory(rows, False))
        return wording.forgotten(play.use("forget", id=named.group()))
    if _EVERYTHING.search(request.words):
        return wording.forgotten(play.use("forget", everything=True))
    return wording.forgotten(play.use("forget", id=_like(play, request)))


def _like(play: Play, request: Request) -> str:
    """Id of the one note that shares most words with the request."""
    said = {word.lower() for word in re.findall(r"\w{2,}", _FORGOTTEN.sub(" ", request.words))}
    rows = [row for row in play.use("list_memories").get("memories") or [] if isinstance(row, dict)]
    shared = {str(row.get("id")): len(said & _words(row)) for row in rows}
    most = max(shared.values(), default=0)
    found = [identity for identity, count in shared.items() if count == most and most > 0]
    if len(found) != 1:
        raise Told(wording.which_memory([row for row in rows if str(row.get("id")) in found] or rows, bool(found)))
    return found[0]


def _words(row: Json) -> set[str]:
    return {word.lower() for word in re.findall(r"\w{2,}", str(row.get("text") or ""))}


def test_model(play: Play, request: Request) -> str:
    """Edge cases, and the requirements that the words name."""
    slots = request.slots
    asked = given(
        model=model_for(play, request),
        metric=slots.metric,
        min_score=_floor(request),
        max_latency_ms=slots.latency_ms,
        max_size_mb=slots.size_mb,
        seconds=slots.budget,
        seed=slots.seed,
    )
    return wording.tested(play.use("test_model", **asked))


def deployment_plan(play: Play, request: Request) -> str:
    """How it would be served, watched, tried beside the model in use, and taken back. Nothing is deployed."""
    rate = _ROWS_A_DAY.search(request.words)
    rows = None if rate is None else number(rate.group(1)) * _TIMES.get((rate.group(2) or "").lower(), 1.0)
    return wording.deployment(play.use("plan_deployment", **given(model=model_for(play, request), rows_per_day=rows)))


def _data(play: Play, request: Request) -> str | None:
    if request.slots.source is not None:
        return load(play, request.slots)
    return next(iter(request.slots.datasets), None) or play.known.dataset


def _floor(request: Request) -> float | None:
    """The least value of a metric that will do: 'f1 above 0.8', 'at least 80 % accuracy'."""
    said = floor_of(request.words)
    if said is None:
        return None
    return number(said.rstrip(" %percnt")) / 100 if _SHARE.match(said) else number(said)
