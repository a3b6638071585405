"""Answer questions about this conversation from its facts: scores, the target, what the user said, settings."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.memory_digest import MOST_SAID
from agents.offline.columns import named_exactly
from agents.offline.finding import DEFAULT_BUDGET, bare, model_for
from agents.offline.made import Made, made
from agents.offline.past_models import NOTHING, began, counted, described, meant, places
from agents.offline.past_patterns import PAST
from agents.offline.playing import Play, Request, Told
from agents.offline.reading import read_slots
from agents.offline.votes import compiled, votes
from agents.offline.wording import figure, leaderboard, name_of, names, scored, seconds
from agents.offline.wording import shown as model_shown
from agents.offline.words import parts, stem, word_set

_MOST = 6
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SAID, _ALL = compiled({"past_said": PAST["past_said"]}), compiled(PAST)
_NO_SUBJECT = word_set(
    "what did do have had has i we you me my our your say said tell told mention mentioned ask asked want wanted write "
    "wrote type typed request requested about of on for to the a an it that this something anything ever before "
    "again already first last message thing question words in at so far and or any earlier from with conversation "
    "chat remind please know remember be been was were is are wish wishes requests instructions complain complained"
)
_LEFT_OUT = re.compile(
    r"\b(?:leave|left|leaving)\b.*\bout\b|\b(?:drop|exclud|ignor|omit|remov|skip)\w*|\bwithout\b|_drop_", re.IGNORECASE
)
_FIRST = re.compile(r"\bfirst (?:thing|message|question|request|sentence|words?)\b", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|previous) (?:thing|message|question|request|sentence|words?)\b", re.IGNORECASE)
_TRAINED_ORDER = re.compile(r"\b(?:model|train\w*|run)\b", re.IGNORECASE)


# scores


def score(play: Play, request: Request) -> str:
    """What a model of this conversation scored, by the order in which they were trained or by what it was like."""
    known = play.known
    if not made(known.worked.past) and began(request.words) and "list_models" in play.offered:
        # what a conversation began with may no longer be in what is shown of it: the registry knows what was measured
        return model_shown(play.use("show_model", model=model_for(play, request)))
    found = meant(play, request)
    if len(found) > 1:
        lines = [f"{described(one)}: {scored(_metric(one))}" for one in found[-_MOST:]]
        return "\n".join([f"{figure(len(found))} models of this conversation fit, oldest first:", *lines])
    one = found[0]
    known.worked.spoken = known.model = one.model
    every = made(known.worked.past)
    head = f"{described(one)}, {_place(one, every, play)}"
    if _metric(one) is None:
        shown = play.use("show_model", model=one.model)
        return f"{head}: {scored((shown.get('summary') or {}).get('metric'))} on the sealed test rows."
    validation = one.result.get("validation")
    lines = [f"{head}: {scored(_metric(one))} on the sealed test rows."]
    if validation:
        lines.append(f"In validation: {scored(validation)}.")
    return "\n".join([*_other_metric(play, one, request.slots.metric), *lines])


def _place(one: Made, every: Sequence[Made], play: Play) -> str:
    place = _PLACES[one.place] if one.place < len(_PLACES) else f"number {one.place + 1}"
    return f"the {place} of {counted(every, play.known)}"


def _metric(one: Made) -> Mapping[str, Any] | None:
    student = one.result.get("student")
    value = student.get("metric") if isinstance(student, dict) else one.result.get("metric")
    return value if isinstance(value, dict) and value.get("value") is not None else None


def _other_metric(play: Play, one: Made, asked: str | None) -> list[str]:
    """The metric that was asked for, where the training has another: from an evaluation, or that there is none."""
    if asked is None or asked == (_metric(one) or {}).get("name"):
        return []
    for tool, _, result in reversed(play.known.worked.past):
        if tool != "evaluate_model" or result is None or result.get("model") != one.model:
            continue
        metric, others = result.get("metric") or {}, result.get("others") or {}
        value = metric.get("value") if metric.get("name") == asked else others.get(asked)
        if value is not None:
            return [f"{asked} was {figure(value)} when it was evaluated on {name_of(result.get('data'))}."]
    return [f"I know no {asked} of it from this conversation ('evaluate {one.model}' shows more metrics); what I know:"]


def by_training_order(request: Request) -> bool:
    """Whether a place is asked for among the models that were trained, even right after a list."""
    return _TRAINED_ORDER.search(request.words) is not None


def also_trained(play: Play, request: Request, listed: str) -> None:
    """Where the list has another model in the place than the order of training, say so."""
    every, place = made(play.known.worked.past), request.slots.ordinal
    if place is None or not -len(every) <= place < len(every) or every[place].model == listed:
        return
    other = every[place]
    play.remarks.append(f"By the list that is {listed}; by the order of training it is {other.model}.")


# target


def target(play: Play, request: Request) -> str:
    """What is predicted, and from which table; where it changed, what it was before."""
    known = play.known
    if places(request.words) or request.slots.models:
        return " ".join(f"The target of {_of(one)}." for one in meant(play, request, "train_model"))
    trained = _targets(made(known.worked.past))
    names_of = {identity: name_of(row.get("name") or identity) for identity, row in known.datasets.items()}
    lines = []
    if trained:
        newest, column = trained[-1]
        lines.append(f"The target is {name_of(column)}, of {names_of.get(newest, newest)} ({newest}).")
        before = [f"{name_of(old)} of {names_of.get(data, data)}" for data, old in trained[:-1]]
        if before:
            lines.append(f"Before that, oldest first: {', '.join(before[-_MOST:])}.")
    elif known.training is not None and known.training.get("target"):
        data = str(known.training.get("dataset"))
        lines.append(f"So far only an estimate or a try was made, for {name_of(known.training['target'])} of {data}.")
    now = known.dataset
    if now is not None and now not in {data for data, _ in trained} and not (lines and not trained):
        declared = known.datasets.get(now, {}).get("target")
        chosen = f"declared {name_of(declared)} as the target" if declared else "no target yet"
        lines.append(f"{names_of.get(now, now)}, which we are on now, has {chosen}.")
    if not lines:
        raise Told("No target was chosen in this conversation. Say for example 'predict churn in telco.csv'.")
    return " ".join(lines)


def _of(one: Made) -> str:
    return f"{one.model} is {name_of(one.result.get('target'))}, of {name_of(one.result.get('dataset'))}"


def _targets(every: Sequence[Made]) -> list[tuple[str, str]]:
    """Table and target of the trainings, each pair once, where it came last."""
    found: dict[tuple[str, str], None] = {}
    for one in every:
        if one.tool == "train_model":
            pair = (str(one.result.get("dataset")), str(one.result.get("target")))
            found.pop(pair, None)
            found[pair] = None
    return list(found)


# what was said


def said(play: Play, request: Request) -> str:
    """The user's own earlier sentences about something, as they were said."""
    earlier = [text for text in play.turn.earlier if not votes(text[:400], _SAID)]
    gone = " that I still have" if len(play.turn.earlier) >= MOST_SAID else ""
    if not earlier:
        return "You have said nothing else in this conversation yet."
    if _FIRST.search(request.words) or _LAST.search(request.words):
        first = _FIRST.search(request.words) is not None
        return f"{'The first' if first else 'The last'} thing{gone}: {_quoted(earlier[0 if first else -1])}."
    left_out = _LEFT_OUT.search(request.slots.rest) is not None
    subject = _subject(request, left_out)
    if not subject and not left_out:
        return "\n".join([f"What you said{gone}, the newest last:", *map(_quoted, earlier[-_MOST:])])
    about = "leaving something out" if left_out and not subject else " ".join(subject)
    found = [text for text in earlier if _mentions(text, subject) and (not left_out or _leaves_out(text))]
    if not found:
        return f"In what you said{gone} I find nothing about {name_of(about)}."
    more = f" ({figure(len(found))} times, the last {_MOST})" if len(found) > _MOST else ""
    return f"You said{more}: " + "; ".join(map(_quoted, found[-_MOST:])) + "."


def _leaves_out(text: str) -> bool:
    """Whether the sentence asks to leave something out; a question about it asks for nothing."""
    slots = read_slots(text)
    return bool(slots.drop) and not votes(slots.rest, _ALL)


def _subject(request: Request, left_out: bool) -> list[str]:
    """The words that are asked about, without those of the question."""
    words = " ".join(request.slots.drop) if left_out else request.words
    return [word for word in parts(words) if word not in _NO_SUBJECT and (not left_out or word not in ("column",))]


def _mentions(text: str, subject: Sequence[str]) -> bool:
    there = {stem(word) for word in parts(text)} | set(parts(text))
    return all(word in there or stem(word) in there for word in subject)


def _quoted(text: str) -> str:
    one_line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{one_line if len(one_line) <= 200 else one_line[:199] + '…'}'"


# settings


def tried(play: Play, request: Request) -> str:
    """The candidates of the last training, or of the one that is named, with their validation scores."""
    one = (meant(play, request, "train_model") if _trainings(play) else [])[-1:]
    if not one:
        raise Told(NOTHING)
    return f"{described(one[0])}:\n{leaderboard(play.use('show_model', model=one[0].model))}"


def settings(play: Play, request: Request) -> str:
    """How the last training was asked for (or the one that is named): metric, budget, columns, seed, time taken."""
    if not made(play.known.worked.past) and play.known.training is not None:
        estimated = play.known.training_tool == "estimate_training"
        done = "Only an estimate was made so far" if estimated else "The training gave no model"
        return f"{done}: {_all_of(play.known.training, {})}."
    found = meant(play, request, "train_model") if _trainings(play) else []
    if not found:
        raise Told(NOTHING)
    if len(found) > 1:
        lines = [f"{described(one)}: {_asked_of(play, request, one)}" for one in found[-_MOST:]]
        return "\n".join([f"{figure(len(found))} trainings fit, oldest first:", *lines])
    one = found[0]
    play.known.worked.spoken = one.model
    return f"In the training of {described(one)}: {_asked_of(play, request, one)}."


def _trainings(play: Play) -> bool:
    return any(one.tool == "train_model" for one in made(play.known.worked.past))


def _asked_of(play: Play, request: Request, one: Made) -> str:
    column = _column(play, request, one)
    if column is not None:
        left = column in one.dropped
        return f"{name_of(column)} was left out" if left else f"{name_of(column)} was not left out on request"
    told = [words(one.arguments, one.result) for pattern, words in _TOPICS if pattern.search(request.words)]
    return "; ".join(told) or _all_of(one.arguments, one.result)


def _column(play: Play, request: Request, one: Made) -> str | None:
    """The column of the model's table that the question names in full."""
    columns = play.known.column_names(str(one.arguments.get("dataset")))
    phrases = [*request.slots.drop, *bare(request.slots.rest).split()]
    return next((name for words in phrases if (name := named_exactly(words, columns)) is not None), None)


def _metric_used(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    used = (result.get("validation") or {}).get("name") or arguments.get("metric")
    if used is None:
        return "no metric was named"
    return (
        f"chosen by {name_of(used)} ({'as you asked' if arguments.get('metric') else 'the usual one, none was named'})"
    )


def _budget(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    count = f"{figure(arguments['max_models'])} candidates" if arguments.get("max_models") else ""
    if "budget_seconds" not in arguments:
        return f"no budget was named, so the usual {seconds(DEFAULT_BUDGET)}" + (f", {count}" if count else "")
    given = arguments["budget_seconds"]
    limit = "no time limit" if given is None else f"a budget of {seconds(given)}"
    return f"{limit}, {count}" if count else limit


def _dropped(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    drop = arguments.get("drop") or ()
    return f"{names(drop)} left out" if drop else "no column was left out on request"


def _seed(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    return f"seed {figure(arguments.get('seed', 0))}" + ("" if "seed" in arguments else " (none was named)")


def _took(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    taken = result.get("seconds")
    return "how long it took is not known" if taken is None else f"it took {seconds(taken)}"


_TOPICS: tuple[tuple[re.Pattern[str], Callable[[Mapping[str, Any], Mapping[str, Any]], str]], ...] = (
    (re.compile(r"\b(?:metric|measure)\b", re.IGNORECASE), _metric_used),
    (re.compile(r"\b(?:budget|limit|time|seconds|minutes)\b", re.IGNORECASE), _budget),
    (re.compile(r"\b(?:columns?|features?|fields?|drop\w*|left out|leave)\b", re.IGNORECASE), _dropped),
    (re.compile(r"\bseed\b", re.IGNORECASE), _seed),
    (re.compile(r"\bhow long (?:did|was the (?:training|run))\b", re.IGNORECASE), _took),
)


def _all_of(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    told = [words(arguments, result) for words in (_metric_used, _budget, _dropped, _seed)]
    target_of = result.get("target") or arguments.get("target")
    models = arguments.get("models")
    only = [f"only {names(models)}"] if models else []
    return "; ".join([f"target {name_of(target_of)}", *told, *only])
