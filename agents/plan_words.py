"""What words ask for after a training: explain, make smaller or faster, test, write a note, promote, watch.

Read clause by clause, since any of these words may belong to a goal: 'predict which users promote a post' asks for no
promotion, 'predict churn and promote it' does. What others notice is asked for by a plain order only: a question, a
condition or a refusal anywhere in the words leaves it to a person, who can be asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agents.offline.explicit import GOAL
from agents.offline.reading import read_slots
from agents.offline.slots import Slots
from agents.plan_conditions import MODEL, Clauses, apart, governing, opens, said, waits

EXPLAIN, OPTIMISE, TEST = "explain_model", "optimise_model", "test_model"
DEPLOYMENT, PROMOTE, MONITOR = "plan_deployment", "promote_model", "create_monitor"
EXPORT = "export_model"
LATER = (EXPLAIN, OPTIMISE, TEST, DEPLOYMENT, PROMOTE, MONITOR)
"""In the order in which they make sense."""
UNPLANNED = (EXPORT,)
"""What goals ask for as well, and no step of a plan does."""
ORDERED = frozenset({PROMOTE, MONITOR})
"""Those that others notice: a plain order asks for them, and no other words."""
TUNE = "tune"
"""Stands for the rounds of tuned variants, which are no tool of their own."""

Arguments = dict[str, object]


@dataclass(frozen=True)
class Held:
    """A step that is asked for and not to be carried out by itself: what the words say of its arguments, the words, and
    whether they set a condition or are only no plain order.
    """

    arguments: Arguments
    said: str
    conditional: bool


@dataclass(frozen=True)
class Wishes:
    """`wanted` are tools with what the words say of their arguments, `refused` those that are not wanted, `held` those
    that a person is left to decide about; `rest` is the text without the clauses that say so."""

    wanted: Mapping[str, Arguments] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    rest: str = ""
    held: Mapping[str, Held] = field(default_factory=dict)


_CLAUSE = re.compile(
    r"(?:[,;!?\n]|\.(?!\w))+|\b(?:and(?: then)?|then|but|afterwards|after that|plus|finally|also)\b", re.IGNORECASE
)
_LEAD = (
    r"^\W*(?:(?P<no>don['’]?t|do not|not|no|never|without(?: any)?|skip(?: the)?|leave out(?: the)?|"
    r"remove(?: the)?|drop the|stop|nor|cancel(?: the)?)\s+"
    r"|(?:please|now|to|you|we|should|must|will|shall|can|could|would|let['’]?s|i|i['’]d|like|want|need|needs|has|have|"
    r"be|just|add|include|with|a|an|the|some|make sure|once (?:it is |it['’]s )?(?:trained|done|ready|good)|"
    r"when (?:it is |it['’]s )?(?:trained|done|ready|good)|after (?:the )?training|do|show(?: me)?|give(?: me)?|"
    r"tell(?: me)?|write(?: me)?|create|set up|get|if (?:it|that) (?:works|is good)|that|so)\b\W*)*"
)
_END = (
    r"\s*(?:$|\b(?:for|to|in|with|when|if|once|so|because|please|too|as well|every|each|by|from|on|using|against|"
    r"at|later|yet|there|hourly|daily|weekly|afterwards|step|at all|as|only|unless|until|till|after|before|provided|"
    r"providing|assuming|whenever|pending|subject|tomorrow|tonight|soon)\b)"
)
_VERBS: Sequence[tuple[str, str]] = (
    (
        DEPLOYMENT,
        r"(?:plan|prepare|draft)?\s*(?:(?:a|the|its)\s+)?(?:deployment|roll-?out|roll-?back|release)\s+"
        r"(?:note|plan|guide|document|instructions?|checklist)s?\b|plan\s+(?:the|its|a)\s+(?:deployment|roll-?out)"
        r"|how to (?:deploy|serve|roll out)\b|plan(?:ning)? (?:how )?to deploy",
    ),
    (
        EXPLAIN,
        rf"explain(?:ing)?(?:\s+{MODEL})?{_END}|explain(?:ing)?\s+(?:me|how|why|which|what|the (?:prediction|decision|"
        r"importan)\w*)|explanations?\b|why it (?:decides|predicts)|feature importances?\b|"
        r"(?:which|what)\s+(?:columns?|features?|factors?|things?)?\s*(?:\w+\s+){0,3}"
        r"(?:matter|drive|important|relies on|count)",
    ),
    (
        TEST,
        rf"(?:stress[- ]?|re-?)?test(?:ing)?(?:\s+{MODEL})?{_END}|"
        rf"(?:try|check)(?:ing)?\s+(?:(?:{MODEL}|on|for|its)\s+)*"
        r"edge[- ]cases|(?:test(?:ing)?\s+(?:the\s+|its\s+)?)?edge[- ]cases|q\.?a\.?\b|quality (?:check|assurance)|"
        rf"(?:check|validate)\s+{MODEL}\s+(?:thoroughly|properly|against)",
    ),
    (
        PROMOTE,
        rf"promot(?:e|ing|ion)(?:\s+{MODEL})?{_END}|ship(?:ping)?(?:\s+{MODEL})?{_END}|"
        rf"(?:put|bring|take|push|move|get)(?:ting)?\s+{MODEL}\s+(?:in|into|to|in to|live)\b"
        r"(?:\s+(?:the\s+)?(?:production|prod|use|live))?|"
        rf"deploy(?:ing|ment)?(?:\s+{MODEL})?{_END}|go(?:ing)? live\b|release\s+{MODEL}|"
        rf"(?:make|turn)\s+{MODEL}\s+(?:into\s+)?(?:the\s+)?(?:new\s+)?(?:champion|challenger|live)|roll\s+{MODEL}\s+out|"
        rf"roll out\s+{MODEL}",
    ),
    (
        MONITOR,
        rf"(?:watch|monitor)(?:ing|s)?(?:\s+(?:{MODEL}|its \w+|(?:for )?(?:data )?drift|in production))*{_END}|"
        rf"keep(?:ing)? (?:an? |one )?eye on\s+{MODEL}|(?:check|look|alert|warn|notify|watch)\w*\s+(?:me\s+)?"
        r"(?:\w+\s+){0,3}drift|drift (?:check|alert|monitor)\w*",
    ),
    (
        EXPORT,
        rf"export(?:ing)?(?:\s+{MODEL})?{_END}|"
        rf"(?:save|convert|write|turn)\s+{MODEL}\s+(?:in|to|into|as)\s+(?:an?\s+)?(?:onnx\b|[^\s,;]+\.onnx\b)",
    ),
    (TUNE, rf"(?:fine-?)?tun(?:e|ing)(?:\s+(?:{MODEL}|round|step)s?)?{_END}|tuned variants"),
)
_PATTERNS = tuple((tool, re.compile(f"{_LEAD}(?:{verbs})", re.IGNORECASE)) for tool, verbs in _VERBS)
_ORDERS = {tool: re.compile(verbs, re.IGNORECASE) for tool, verbs in _VERBS if tool in ORDERED}
_LESS = re.compile(
    rf"{_LEAD}(?:(?:make|get|keep|turn)?\s*(?:{MODEL}|be|as)?\s*(?:as\s+)?(?:(?:much|a lot|far|very|really)\s+)?"
    r"(?P<size>smaller|small|tiny|compact|lighter|light|slim|slimmer)\b(?!\s+(?:data|set|budget|table|number))"
    r"|(?:make|get)\s+(?:it|the model)\s+(?:\w+\s+)?(?:faster|quicker|fast|quick)\b"
    rf"|(?:optimi[sz]|compress|shrink|quanti[sz]|prun)(?:e|ing|ation|s)?\b\s*(?:{MODEL}|for|to|down|step|$)"
    r"|(?:a\s+)?(?:smaller|faster|quicker|lighter)\s+(?:model|version|one)\b|int8\b)",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\b(?:small\w*|tiny|compact|light\w*|slim\w*|shrink|compress\w*)\b", re.IGNORECASE)
_HOLDS = re.compile(
    r"\b(?:answer|respon|repl|latency|inference|serv|predicti|score|row|request|model|it|fit|run|weigh|size|"
    r"optimi[sz]|fast|quick|small|at most|below|under|within|max|no more|less than|lose|loss|drop)",
    re.IGNORECASE,
)
_NOT_IT = re.compile(
    r"\b(?:without|no|not|don['’]?t|do not|skip|leave out|remove|cancel|drop the)\s+(?:the\s+|any\s+)?"
    r"(?:optimi[sz]|compress|shrink|quanti[sz]|prun)",
    re.IGNORECASE,
)
_UNTUNED = re.compile(r"\b(?:without|no|skip(?:ping)?|don['’]?t do)\s+(?:any\s+)?tuning\b", re.IGNORECASE)
_DANGLING = re.compile(r"(?:[\s,;.]+|\b(?:and|then|but|plus|also|finally))+$", re.IGNORECASE)
_ALIAS = re.compile(r"\bchallenger\b", re.IGNORECASE)
_HOURS = re.compile(r"\b(?:every|each)\s+(?P<unit>hour|day|week)\b|\b(?P<word>hourly|daily|weekly)\b", re.IGNORECASE)
CRON = {"hour": "0 * * * *", "day": "0 6 * * *", "week": "0 6 * * 1"}
CRON |= {"hourly": CRON["hour"], "daily": CRON["day"], "weekly": CRON["week"]}


_PLEASE = re.compile(r"^\W*(?:(?:and|then|so|now|please|ok|okay)\W+)*(?:can|could|will|would) you\b", re.IGNORECASE)
_BEGINS = re.compile(
    r"^[\s*-]*(?:(?:please|kindly|and|then|now|also|just|finally|ok|okay|yes|go ahead and|"
    r"(?:can|could|will|would) you)\b[\s,]*)*(?:(?:add|include|set up|create|with)\s+(?:(?:a|an|the|some)\s+)?)?",
    re.IGNORECASE,
)
"""What may stand before the verb of an order."""
_QUESTION = re.compile(
    r"^\W*(?:(?:and|then|so|but|now|ok|okay|please)\W+)*(?:who|whom|whose|what|why|how|where|when|which|whether|"
    r"should|shall|may|might|can|could|would|will|must|is|are|was|were|do|does|did|has|have|had)\b",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:no|nope|nah|not|cannot|\w+n['’]t|dont|cant|wont|shouldnt|mustnt|never|nobody|none|nothing|neither|nor|"
    r"refus\w+|forb[ia]d\w*|prohibit\w*|den(?:y|ied)|declin\w+|reject\w*|avoid\w*|refrain\w*|hold (?:off|on|it)|stop|"
    r"wait|cancel|abort|rather|never ?mind|kidding|joking|scratch that|undo|"
    r"nicht|nein|kein\w*|niemals|nie|ne|pas|non|jamais|nunca|niet|nee|nej|inte|ikke|não|nao|"
    r"if|unless|until|till|when|whenever|once|before|after|soon|in case|in no case|provided|providing|assuming|"
    r"suppos\w+|subject to|pending|should|would|might|may|maybe|perhaps|later|tomorrow|tonight|someday|eventually|yet|"
    r"(?:as|so) long as|given that|in (?:the )?event|on (?:the )?condition|depending|"
    r"ask|let me|say so|confirm\w*|approv\w*|permission|consent|sa(?:id|ys?)|wrote|writes|told|claims?|demands?)\b"
    r"|^\W*only\b|:(?:\s|$)|[\"“”„«»`]",
    re.IGNORECASE,
)
"""Refusals, conditions and what others said: beside one of them an order is not plain."""
_UNSURE = re.compile(
    r"\b(?:who|whom|whose|what|why|how|where|which|whether|only|except|without|instead|next|can|could)\b", re.IGNORECASE
)
"""Words that leave an order plain beside it, but not in it."""
_DEFERS = re.compile(
    r"\b(?:(?:i|we) (?:say|said|agree|approve|confirm|ask|tell|allow|want it|like it)|(?:ask|tell|wait for) (?:me|us)|"
    r"(?:my|our) (?:yes|ok|okay|approval|consent|permission|word))\b",
    re.IGNORECASE,
)
"""A condition that is no part of what is to be predicted."""
_NO_DOUBT = re.compile(r"\b(?:no|not) (?:more|less|longer|larger|bigger|slower|worse) than\b", re.IGNORECASE)
_IN_ORDER = re.compile(
    r"\b(?:(?:once|when|after) (?:it|that|the model)(?: is|['’]s) (?:trained|done|finished)|after (?:the )?training)\b",
    re.IGNORECASE,
)
"""Conditions that hold whenever a later step of a plan is done."""


_MODEST = re.compile(r"\b(?:should|would)\b", re.IGNORECASE)
"""Words that make a wish of an order, and no refusal."""


def orders_in(text: str, verbs: str) -> tuple[str, ...]:
    """The clauses of `text` that plainly order one of `verbs` (a pattern), each from its verb on.

    An order begins with its verb, after 'please', 'can you' or 'and' at most. There is none where the clause, or what
    is said beside it, refuses, asks or sets a condition.
    """
    clauses, order = _clauses(text), re.compile(rf"(?:{verbs})\b", re.IGNORECASE)
    return tuple(
        clause[_lead(clause) :].strip()
        for at, (clause, _) in enumerate(clauses)
        if order.match(clause, _lead(clause)) and _plain(clauses, at, "")
    )


def _plain(clauses: Sequence[tuple[str, str]], at: int, tool: str) -> bool:
    """Whether nothing in or beside the order at this place takes from it."""
    clause = clauses[at][0]
    _, _, said = clause[_lead(clause) :].strip().partition(" ")
    if _DOUBT.search(said) or _UNSURE.search(said) or _asking(clauses, at):
        return False
    return not any(_takes_back(other, tool, place > at) for place, (other, _) in enumerate(clauses) if place != at)


def _opens(clause: str, tool: str) -> bool:
    """Whether a clause begins with the order of a tool."""
    return _ORDERS[tool].match(clause, _lead(clause)) is not None


def _lead(clause: str) -> int:
    found = _BEGINS.match(clause)
    return found.end() if found else 0


def _asking(clauses: Sequence[tuple[str, str]], at: int) -> bool:
    """Whether the sentence of this clause, or a later one, is a question and no 'could you ...?'."""
    ends = [place for place, (_, mark) in enumerate(clauses) if re.search(r"[.!?;\n]", mark)] + [len(clauses) - 1]
    start = 0
    for end in dict.fromkeys(ends):
        first, mine = clauses[start][0], start <= at <= end
        polite = _PLEASE.match(first) or (mine and _PLEASE.match(clauses[at][0]))
        asks = "?" in clauses[end][1] or (mine and _QUESTION.match(first))
        if at <= end and asks and not polite:
            return True
        start = min(end + 1, len(clauses) - 1)
    return False


def _takes_back(clause: str, tool: str, later: bool) -> bool:
    """Whether another clause may refuse the order or set a condition. A goal may hold any word, and one tool may be
    refused after another was ordered; before it, 'do not test and promote it' refuses both.
    """
    if _predicts(clause):
        return _DEFERS.search(clause) is not None
    found = _of_the_clause(clause)
    if found is not None and found[2] and later and found[0] != tool:
        return False
    return _DOUBT.search(_UNTUNED.sub("", _NO_DOUBT.sub("", clause[_lead(clause) :]))) is not None


def wishes_of(text: str) -> Wishes:
    """What `text` asks for after a training, what of it only under a condition, and what it does not want."""
    clauses = _clauses(text)
    found = [_of_the_clause(clause) for clause, _ in clauses]
    steps = [of is not None for of in found]
    read = [_weighed(clauses, steps, at, of) for at, of in enumerate(found) if of is not None]
    wanted: dict[str, Arguments] = {}
    for one in read:
        if one.state == "wanted":
            wanted[one.tool] = {**wanted.get(one.tool, {}), **one.arguments}
    refused = {one.tool for one in read if one.state == "refused"} - wanted.keys()
    never = {one.tool for one in read if one.state == "refused" and one.held is None}
    held: dict[str, Held] = {}
    for one in read:
        if one.held is not None and one.tool not in never:
            # 'for 5 ms, and below 2 MB if it is slow': a condition on a part is one on the step
            before = held[one.tool].arguments if one.tool in held else wanted.pop(one.tool, {})
            held[one.tool] = replace(one.held, arguments={**before, **one.held.arguments})
    led = frozenset[int]().union(*(one.conditions for one in read))
    kept = [pair for at, pair in enumerate(clauses) if not steps[at] and at not in led]
    # '... make it small, lose at most 1 % f1': the second clause goes with the first
    limits = [pair for pair in kept if (OPTIMISE in held or OPTIMISE in wanted) and _limit(pair[0])]
    for clause, _ in limits:
        (held[OPTIMISE].arguments if OPTIMISE in held else wanted[OPTIMISE]).update(_limits(read_slots(clause)))
    rest = "".join(clause + separator for clause, separator in kept if (clause, separator) not in limits)
    if _UNTUNED.search(rest):
        refused.add(TUNE)
        rest = _UNTUNED.sub("", rest)
    return Wishes(wanted, frozenset(refused), _DANGLING.sub("", rest).strip(), held)


@dataclass(frozen=True)
class _Weighed:
    """What a clause says of one tool, by the words around it; `conditions` are the places of those that go with it."""

    tool: str
    arguments: Arguments
    state: Literal["wanted", "refused", "left"]
    held: Held | None
    conditions: frozenset[int]


def _weighed(clauses: Clauses, steps: Sequence[bool], at: int, of: tuple[str, Arguments, bool]) -> _Weighed:
    tool, arguments, no = of
    conditions = governing(clauses, steps, at)
    why = _held_back(clauses, at, tool, conditions) if tool in ORDERED and not no else conditions or None
    held = None if why is None else Held(arguments, said(clauses, {at, *why}), conditional=bool(why))
    if no:
        return _Weighed(tool, arguments, "refused", held, conditions)
    wanted = not conditions and (tool not in ORDERED or _ordered(clauses, at, tool))
    return _Weighed(tool, arguments, "wanted" if wanted else "left", None if wanted else held, conditions)


def _ordered(clauses: Clauses, at: int, tool: str) -> bool:
    """Whether this clause is a plain order of a tool that others notice."""
    in_order = [(_IN_ORDER.sub("", clause), separator) for clause, separator in clauses]
    return _opens(in_order[at][0], tool) and _plain(in_order, at, tool)


def _held_back(clauses: Clauses, at: int, tool: str, conditions: frozenset[int]) -> frozenset[int] | None:
    """The places of the conditions that keep what is not plainly ordered from being done, none where only its form
    does; None where it is asked about, refused, or what others said.
    """
    ends = next((mark for _, mark in clauses[at:] if re.search(r"[.!?;\n]", mark)), "")
    if "?" in ends and not any(_PLEASE.match(clause) for clause, _ in clauses):
        return None
    if conditions:
        return conditions
    others = [
        place
        for place, (clause, _) in enumerate(clauses)
        if place != at and _takes_back(_IN_ORDER.sub("", clause), tool, place > at)
    ]
    waiting = {place for place in others if waits(clauses[place][0])} | ({at} if waits(clauses[at][0]) else set())
    if waiting:
        return frozenset(waiting)
    return None if others or _DOUBT.search(_MODEST.sub("", clauses[at][0])) else frozenset()


def _clauses(text: str) -> list[tuple[str, str]]:
    """Each clause with what separates it from the next."""
    found: list[tuple[str, str]] = []
    start = 0
    for match in _CLAUSE.finditer(text):
        found += _apart(text[start : match.start()], match.group())
        start = match.end()
    return [(clause, separator) for clause, separator in [*found, *_apart(text[start:], "")] if clause.strip()]


def _apart(clause: str, separator: str) -> list[tuple[str, str]]:
    """The clause without the conditions in its midst that lead an order."""
    *first, (last, _) = apart(clause)
    return [*first, (last, separator)]


def _of_the_clause(clause: str) -> tuple[str, Arguments, bool] | None:
    """The tool that a clause is about, its arguments, and whether it is not wanted."""
    if GOAL.search(clause) and not re.search(r"\bit\b", clause, re.IGNORECASE) and _predicts(clause):
        return None
    text, condition = clause.strip(), opens(clause)
    if _NOT_IT.search(text) and not condition:
        return OPTIMISE, {}, True
    for tool, pattern in _PATTERNS:
        match = pattern.match(text)
        if match is not None:
            return tool, _arguments(tool, text), match.group("no") is not None
    if condition:  # 'if it answers in 5 ms' asks for no such thing
        return None
    slots = read_slots(text)
    quick = (slots.latency_ms is not None or slots.size_mb is not None) and _HOLDS.search(text)
    less = _LESS.match(text)
    if quick or less:
        small = _SIZE.search(text) is not None and slots.latency_ms is None
        no = less is not None and less.group("no") is not None
        return OPTIMISE, {**_limits(slots), **({"prefer": "size"} if small else {})}, no
    return None


def _predicts(clause: str) -> bool:
    return (
        re.match(
            r"^\W*(?:please\s+|i want to\s+|can you\s+|to\s+)*\w*(?:predict|forecast|classif|detect|guess|which|who|"
            r"whether|regress)",
            clause,
            re.IGNORECASE,
        )
        is not None
    )


def _limit(clause: str) -> bool:
    """Whether a clause only says what may be lost."""
    return read_slots(clause).max_drop is not None


def _limits(slots: Slots) -> Arguments:
    named = {"max_latency_ms": slots.latency_ms, "max_size_mb": slots.size_mb, "max_drop": slots.max_drop}
    return {name: value for name, value in named.items() if value is not None}


def _arguments(tool: str, text: str) -> Arguments:
    if tool == PROMOTE:
        return {"alias": "challenger" if _ALIAS.search(text) else "champion"}
    found = _HOURS.search(text) if tool == MONITOR else None
    if found is not None:
        return {"schedule": CRON[(found.group("unit") or found.group("word")).lower()]}
    return {}
