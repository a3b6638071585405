"""From what the user said to requests: a message may hold several, or be the answer to a question."""

import re
from dataclasses import fields, replace

from agents.offline.columns import find_column
from agents.offline.context import Context
from agents.offline.conversation import Known
from agents.offline.intents import classify
from agents.offline.monitoring_intents import OF_MONITORING
from agents.offline.playing import Question, Request
from agents.offline.reading import read_slots
from agents.offline.slots import PLACEHOLDER, Slots
from agents.offline.words import parts

_VERB = (
    r"(?:train|fit|explain|profile|describe|promote|predict|compare|evaluate|estimate|show|list|import|load|tell me|"
    r"make it|build|score|give me|find out|run|distill?|compress|shrink|acknowledge|plot|roll (?:it )?back|"
    r"(?:watch|monitor|check|retrain|silence) (?:it|the|for))\b"
)
_CUT = re.compile(
    r"(?:,?\s+(?:and\s+)?then\s+(?!(?:and|versus|vs\.?|against) now\b)|;\s*|[.!?]\s+(?=[A-Za-z])|"
    rf",?\s+and\s+(?={_VERB})|,\s+(?={_VERB}))",
    re.IGNORECASE,
)
_JOINED = frozenset({"refine", "unknown", "go", "greeting", "thanks", "ordinal"})
"""Kinds of clause that are no request of their own beside another."""
_ABOUT_DATA = frozenset({"import", "profile", "list_datasets"})
_USES_DATA = frozenset({"train", "estimate", "profile", "predict", "evaluate", "refine", "check_drift", "log_labels"})
"""Requests that a file named beside them belongs to."""
_ONE_AT_A_TIME = frozenset({"train", "predict", "import", "watch", "acknowledge", "log_labels", "retrain_model"})
"""Requests of which two clauses after one another are one."""
_YES = re.compile(
    r"^\W*(?:yes|yep|yeah|y|sure|right|correct|exactly|ok(?:ay)?|that one|please do|do it)\b\W*(?:please|that)?\W*$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(?:no|nope|n|never ?mind|forget it|none|nothing|leave it|don'?t|stop|cancel)\b\W*"
    r"(?:thanks|of them|thank you|it)?\W*$",
    re.IGNORECASE,
)
_STRONG = frozenset(
    {
        "help",
        "identity",
        "list_datasets",
        "list_models",
        "list_jobs",
        "cancel",
        "compare",
        "explain",
        "import",
        "promote",
    }
    | {"job_status", "profile", "show_model", "estimate", "out_of_scope", "distil", "roll_back"}
    | OF_MONITORING
)
"""Requests that are taken up even while a question is open."""


def understand(text: str, known: Known, question: Question | None) -> tuple[Request, ...]:
    """The requests in `text`, in order; never empty."""
    if question is not None:
        answered = _answer(text, known, question)
        if answered is not None:
            return answered
    requests: list[Request] = []
    for clause in _clauses(text):
        request = _read(clause, known, requests)
        if requests and _belongs_to(requests[-1], request):
            joined = f"{requests[-1].text}, {clause}"
            merged = _read(joined, known, requests[:-1])
            intent = requests[-1].intent if request.intent in _JOINED else request.intent
            requests[-1] = replace(merged, intent=_kept(requests[-1].intent, intent, merged.intent))
        else:
            requests.append(request)
    return tuple(requests) or (_read(text, known, []),)


def _clauses(text: str) -> list[str]:
    if "{" in text:
        return [text]  # a sentence's marks inside JSON end nothing
    return [clause.strip() for clause in _CUT.split(text) if clause and clause.strip(" .,;!?")]


def _read(text: str, known: Known, earlier: list[Request]) -> Request:
    columns = known.all_column_names()
    slots = read_slots(text, columns)
    context = Context(
        trained=known.training is not None or any(request.intent == "train" for request in earlier),
        has_model=known.model is not None or any(request.intent == "train" for request in earlier),
        about_data=(earlier[-1].intent if earlier else known.about) in _ABOUT_DATA or known.model is None,
        has_dataset=known.dataset is not None or any(request.slots.source for request in earlier),
        reads_text=known.reads_text and columns.isdisjoint(words.lower() for words in slots.quoted),
        monitored=bool(known.watched.monitors or known.watched.monitor)
        or any(request.intent == "watch" for request in earlier),
        compared=known.watched.check is not None,
        about=earlier[-1].intent if earlier else known.about,
        following=None if earlier else known.watched.following(known.about),
    )
    return Request(classify(slots, context), slots, text)


def _belongs_to(before: Request, after: Request) -> bool:
    return (
        after.intent in _JOINED
        or before.intent in ("greeting", "thanks", "unknown", "go")
        or (after.intent == "import" and before.intent in _USES_DATA and before.slots.source is None)
        or (before.intent == after.intent and before.intent in _ONE_AT_A_TIME)
    )


def _kept(before: str, after: str, merged: str) -> str:
    """The kind of two clauses read as one: that of the one that is a request."""
    if before in _USES_DATA and after == "import":
        return before
    if before in _JOINED:
        return after if after not in _JOINED else merged
    return before


# answers to questions


def _answer(text: str, known: Known, question: Question) -> tuple[Request, ...] | None:
    """The waiting requests with the gap filled; None when the text is something else."""
    if _NO.match(text):
        return (Request("never_mind", Slots(), text),)
    waiting, *later = question.requests
    slots = read_slots(text, known.all_column_names())
    value = _value(question, text, slots, known)
    if value is None:
        return None
    if classify(slots, Context()) in _STRONG and not _exact(text, question, slots, value):
        return None
    filled = _merged(waiting.slots, slots, question.slot, value)
    return (replace(waiting, slots=filled, text=waiting.text), *later)


def _exact(text: str, question: Question, slots: Slots, value: object) -> bool:
    said = text.strip(" .!?\"'").lower()
    if said in {choice.lower() for choice in (*question.choices, str(value))} or _YES.match(text):
        return True
    besides = re.sub(r"\W", "", PLACEHOLDER.sub("", slots.rest))
    return question.slot in ("source", "rows", "dataset", "model", "job") and len(besides) < 12


def _value(question: Question, text: str, slots: Slots, known: Known) -> object:
    if _YES.match(text):
        return question.choices[0] if len(question.choices) == 1 else None
    if question.slot == "target":
        return _column(text, known, question)
    if question.slot == "source":
        return slots.source or next(iter(slots.datasets), None) or _bare_source(text)
    if question.slot == "rows":
        return slots.rows or slots.source or next(iter(slots.datasets), None)
    named = {
        "dataset": slots.datasets,
        "model": slots.models,
        "job": slots.jobs,
        "monitor": slots.monitors,
        "alert": slots.alerts,
    }[question.slot]
    if named or (question.slot == "dataset" and slots.source):
        return named[0] if named else slots.source
    if slots.ordinal is not None and slots.ordinal < len(question.choices):
        return question.choices[slots.ordinal]
    return _by_name(text, question, known)


def _bare_source(text: str) -> str | None:
    """A single word without an extension may still be a file."""
    word = text.strip(" \"'")
    return word if re.fullmatch(r"[\w.~/-]*/[\w./-]+", word) else None


def _by_name(text: str, question: Question, known: Known) -> str | None:
    """The choice whose name was said; part of a name is enough when it fits one only."""
    tables = {"dataset": known.datasets, "model": known.models, "monitor": known.watched.monitors}
    rows = tables.get(question.slot, known.jobs)
    said = set(parts(text))
    found = [choice for choice in question.choices if said & set(parts(str(rows.get(choice, {}).get("name") or "")))]
    return found[0] if len(found) == 1 else None


def _column(text: str, known: Known, question: Question) -> str | None:
    names = known.column_names(known.dataset)
    said = text.strip(" .!?\"'`")
    exact = [name for name in names if name.lower() == said.lower()]
    if exact:
        return exact[0]
    offered = find_column(text, question.choices).column if question.choices else None
    return offered or find_column(text, names).column


def _merged(waiting: Slots, answer: Slots, slot: str, value: object) -> Slots:
    """The waiting slots, what else the answer says, and the value that fills the gap."""
    keep = {"rest", "target", "source", "drop", "rows", "quoted", "ordinal"}
    more = {
        field.name: getattr(answer, field.name)
        for field in fields(Slots)
        if field.name not in keep and getattr(answer, field.name) not in (None, (), False)
    }
    if slot == "target":
        return replace(waiting, **more, target=str(value))
    if slot == "rows":
        if isinstance(value, tuple):
            return replace(waiting, **more, rows=value)
        return replace(waiting, **more, source=str(value))
    if slot in ("source", "dataset"):
        is_id = str(value).startswith("ds_")
        filled = {"datasets": (str(value),), "source": None} if is_id else {"source": str(value)}
        return replace(waiting, **{**more, **filled})
    return replace(waiting, **{**more, f"{slot}s": (str(value),)})
