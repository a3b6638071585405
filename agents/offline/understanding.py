"""From what the user said to requests: a message may hold several, or be the answer to a question."""

import re
from dataclasses import fields, replace
from functools import partial

from agents.offline import harmless
from agents.offline.columns import find_column, named_exactly
from agents.offline.context import Context
from agents.offline.conversation import Known
from agents.offline.deciding import decide
from agents.offline.finding import bare, named_dataset
from agents.offline.intents import classify
from agents.offline.meaning import Meaning
from agents.offline.monitoring_intents import OF_MONITORING
from agents.offline.optimising_intents import OF_OPTIMISING
from agents.offline.past_intents import OF_PAST
from agents.offline.playing import Question, Request
from agents.offline.reading import read_slots
from agents.offline.slots import PLACEHOLDER, Slots, unquoted
from agents.offline.words import parts
from agents.offline.working_intents import OF_TALK, OF_WORK

_VERB = (
    r"(?:train|fit|explain|profile|describe|promote|predict|compare|evaluate|estimate|show|list|import|load|tell me|"
    r"make it|build|score|give me|find out|run|distill?|compress|shrink|acknowledge|plot|roll (?:it )?back|"
    r"(?:optimi[sz]e|quanti[sz]e|prune) (?:it|the|this|that|my)|export|benchmark|"
    r"(?:watch|monitor|check|retrain|silence) (?:it|the|for)|test (?:it|the model)|"
    r"(?:if|when|once) (?:it|the (?:test|model|result)s?) [^,;.!?]{1,40}?[, ] ?"
    r"(?:promote|ship|deploy|watch|export) (?:it|the))\b"
)
_FOREIGN = (
    r"(?:trainier|erkl[äa]r|vergleich|beschreib|zeig|lade|entren|explic|compar|describ|mu[eé]str|carg|entra[iî]n|expliqu|"
    r"d[eé]cri|montr|charg)\w*"
)
_CUT = re.compile(
    r"(?:,?\s+(?:and\s+)?then\s+(?!(?:and|versus|vs\.?|against) now\b)|;\s*|[.!?]\s+(?=[A-Za-z])|"
    rf",?\s+and\s+(?={_VERB})|,\s+(?={_VERB})|,?\s+(?:und|y|et)\s+(?:dann\s+|luego\s+|puis\s+)?(?={_FOREIGN}))",
    re.IGNORECASE,
)
_JOINED = frozenset({"refine", "unknown", "go", "greeting", "thanks", "ordinal"})
"""Kinds of clause that are no request of their own beside another."""
_SHORT = 9
"""Words of a message that may be a correction: 'no, I meant the monthly charges'."""
_ABOUT_DATA = frozenset({"import", "profile", "list_datasets"})
_USES_DATA = frozenset({"train", "estimate", "profile", "predict", "evaluate", "refine", "check_drift", "log_labels"})
"""Requests that a file named beside them belongs to."""
_ONE_AT_A_TIME = frozenset(
    {"train", "predict", "import", "watch", "acknowledge", "log_labels", "retrain_model", "optimise"}
    | {"make_plan", "edit_plan", "crew", "research", "write_code", "remember", "forget", "other_data", "test_model"}
)
"""Requests of which two clauses after one another are one."""
_WHOLE_JOBS = frozenset({"make_plan", "crew"})
_LATER_STEPS = frozenset(
    {"train", "explain", "optimise", "test_model", "promote", "watch", "deployment_plan", "export"}
)
"""What is said after a plan is a step of it: 'plan it and promote it' must not promote the model that is there now."""
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
    | OF_OPTIMISING
    | OF_WORK
    | OF_TALK
    | OF_PAST
)
"""Requests that are taken up even while a question is open."""


def understand(
    text: str, known: Known, question: Question | None, meaning: Meaning | None = None
) -> tuple[Request, ...]:
    """The requests in `text`, in order; never empty. `meaning` helps where the rules are not sure."""
    if question is not None:
        answered = _answer(text, known, question)
        if answered is not None:
            return answered
    target = _bare_target(text, known)
    if target is not None:
        return (Request("train", Slots(target=target, target_form="named"), text),)
    clauses = _clauses(text)
    # a short clause does not tell the language that the whole message is in
    read = partial(_read, known=known, language=read_slots(text).language if len(clauses) > 1 else None)
    nothing_yet = [clause for clause in clauses if _NOTHING_YET.search(clause)]
    requests: list[Request] = []
    for clause in (
        clauses if len(nothing_yet) == len(clauses) else [each for each in clauses if each not in nothing_yet]
    ):
        # a later clause is most often a setting of the first: only a rule makes it a request of its own
        request = read(clause, earlier=requests, meaning=None if requests else meaning)
        if requests and _belongs_to(requests[-1], request):
            joined = f"{requests[-1].text}, {clause}"
            merged = read(joined, earlier=requests[:-1], meaning=meaning)
            intent = requests[-1].intent if request.intent in _JOINED else request.intent
            requests[-1] = replace(merged, intent=_kept(requests[-1].intent, intent, merged.intent))
        else:
            requests.append(request)
    return tuple(_planned_first(requests, bool(nothing_yet) or _PLAN_FIRST.search(text) is not None)) or (
        read(text, earlier=[], meaning=meaning),
    )


_NOTHING_YET = re.compile(
    r"^\W*(?:\w+\W+){0,2}?(?:do not|do ?n['’]?t|never)\s+(?:run|start|train|do|execute|begin)\s+"
    r"(?:anything|any of (?:it|that))\b",
    re.IGNORECASE,
)
_PLAN_FIRST = re.compile(
    r"\b(?:make|show me|give me|draw up|write) (?:me )?a plan (?:first|before)\b|\bplan (?:it|this|that) first\b|"
    r"\bfirst (?:make|show|give|draw|write)\w* (?:me |up )?(?:a|the) plan\b",
    re.IGNORECASE,
)


def _planned_first(requests: list[Request], nothing_yet: bool) -> list[Request]:
    """'predict churn, but make a plan first' and '... don't run anything yet' ask for a plan and for no training."""
    planned = nothing_yet or any(request.intent == "make_plan" for request in requests)
    if not planned or not any(request.intent in _TRAINS for request in requests):
        return requests
    plans = [replace(each, intent="make_plan") if each.intent in _TRAINS else each for each in requests]
    first = next(each for each in plans if each.intent == "make_plan")
    return [each for each in plans if each is first or each.intent != "make_plan"]


_TRAINS = frozenset({"train", "estimate"})


def _bare_target(text: str, known: Known) -> str | None:
    """The column that was said and nothing else, after data was loaded and nothing trained: 'Churn'."""
    if known.training is not None or known.dataset is None:
        return None
    said = text.strip(" .!?\"'`").lower()
    return next((name for name in known.column_names(known.dataset) if name.lower() == said), None)


def _clauses(text: str) -> list[str]:
    if "{" in text or harmless.taken_back(text):
        return [text]  # a sentence's marks inside JSON end nothing
    clauses, start = [], 0
    for cut in _CUT.finditer(text):
        if not harmless.binds(text[start : cut.start()], cut.group()):
            clauses.append(text[start : cut.start()])
            start = cut.end()
    return [clause.strip() for clause in (*clauses, text[start:]) if clause.strip(" .,;!?")]


def _read(
    text: str, *, known: Known, earlier: list[Request], meaning: Meaning | None, language: str | None = None
) -> Request:
    names = known.all_column_names()
    said = _column_left_out(_columns_quoted(text, names), known)
    slots = read_slots(said, names, language=language)
    context = _context(slots, known, earlier)
    decision = decide(slots, context, meaning)
    wanted = harmless.without_refused(said)
    if wanted != said and wanted.strip() and decision.intent in harmless.WORK - _PLANS and not context.planned:
        slots = read_slots(wanted, names, language=language)
        decision = decide(slots, context, meaning)
    return Request(decision.intent, slots, text, decision.near)


_PLANS = frozenset({"make_plan", "edit_plan", "remember", "watch", "crew"})
"""What reads refusals itself: 'make a plan and don't promote', 'watch it but never retrain'."""
_ALSO_A_COLUMN = re.compile(
    r"\b(without|drop|ignore|exclude|leave out|remove|omit|skip)\s+(?:the\s+)?(?:column\s+)?"
    r"(notes?|memory|memories|steps?|plan)\b",
    re.IGNORECASE,
)


def _columns_quoted(text: str, names: frozenset[str]) -> str:
    """'without note' is about the column, where there is one of that name."""
    return _ALSO_A_COLUMN.sub(lambda found: f"{found[1]} '{found[2]}'" if found[2].lower() in names else found[0], text)


def _column_left_out(text: str, known: Known) -> str:
    """'don't train on gender' leaves a column out."""
    said = harmless.refused_object(text)
    column = named_exactly(said, known.column_names(known.dataset)) if said else None
    return text if column is None else f"without '{column}'"


def _context(slots: Slots, known: Known, earlier: list[Request]) -> Context:
    columns = known.all_column_names()
    return Context(
        trained=known.training is not None or any(request.intent == "train" for request in earlier),
        has_model=known.model is not None or any(request.intent == "train" for request in earlier),
        about_data=(earlier[-1].intent if earlier else known.about) in _ABOUT_DATA or known.model is None,
        has_dataset=known.dataset is not None or any(request.slots.source for request in earlier),
        reads_text=known.reads_text and columns.isdisjoint(words.lower() for words in slots.quoted),
        monitored=bool(known.watched.monitors or known.watched.monitor)
        or any(request.intent == "watch" for request in earlier),
        compared=known.watched.check is not None,
        optimised=known.optimised is not None,
        plan_last=known.worked.plan_last,
        planned=known.worked.plan is not None or any(request.intent == "make_plan" for request in earlier),
        names_column=_names_column(slots, known),
        names_dataset=bool(slots.datasets) or named_dataset(slots.rest, known) is not None,
        about=earlier[-1].intent if earlier else known.about,
        following=None if earlier else known.watched.following(known.about),
    )


def _names_column(slots: Slots, known: Known) -> bool:
    """Whether a short message holds a column's name: any word of a long one may happen to be like one."""
    words, target = bare(slots.rest), bare(slots.target or "")
    if len(words.split()) > _SHORT:
        return False
    columns = known.column_names(known.dataset)
    return any(find_column(said, columns).column is not None for said in (words, target) if said)


def _belongs_to(before: Request, after: Request) -> bool:
    return (
        after.intent in _JOINED
        or before.intent in ("greeting", "thanks", "unknown", "go")
        or (after.intent == "import" and before.intent in _USES_DATA and before.slots.source is None)
        or (before.intent == after.intent and before.intent in _ONE_AT_A_TIME)
        or (before.intent in _WHOLE_JOBS and after.intent in _LATER_STEPS)
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
    if harmless.refuses(slots.rest) or (harmless.only_asks(slots.rest) and not _only_a_choice(text, question)):
        return None
    if slots.source is not None and question.slot not in _FILLED_BY_FILES:
        return None  # a message with a table of its own is a request of its own
    value = _value(question, text, slots, known)
    if value is None:
        return None
    if classify(slots, Context()) in _STRONG and not _exact(text, question, slots, value):
        return None
    filled = _merged(waiting.slots, slots, question.slot, value)
    return (replace(waiting, slots=filled, text=waiting.text), *later)


_FILLED_BY_FILES = frozenset({"source", "rows", "dataset"})


def _only_a_choice(text: str, question: Question) -> bool:
    """Whether the whole message is one of the choices, such as a column called 'is_new'."""
    return text.strip(" .!?\"'`").lower() in {choice.lower() for choice in question.choices}


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
        # 'Contract, and leave gender out' answers with one column only
        return _column(bare(unquoted(slots.rest, slots)) if slots.drop else text, known, question)
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
        drop = {"drop": (*waiting.drop, *answer.drop), "drop_columns": (*waiting.drop_columns, *answer.drop_columns)}
        return replace(waiting, **{**more, **drop}, target=str(value))
    if slot == "rows":
        if isinstance(value, tuple):
            return replace(waiting, **more, rows=value)
        return replace(waiting, **more, source=str(value))
    if slot in ("source", "dataset"):
        is_id = str(value).startswith("ds_")
        filled = {"datasets": (str(value),), "source": None} if is_id else {"source": str(value)}
        return replace(waiting, **{**more, **filled})
    return replace(waiting, **{**more, f"{slot}s": (str(value),)})
