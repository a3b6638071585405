"""Whether words refuse work or only ask: nothing is started by 'do not promote it' or 'should I promote it?'.

All patterns read a text with placeholders (see slots).
"""

# ruff: noqa: E501

import re

from agents.offline.past_intents import STARTS_WORK

WORK = (STARTS_WORK - {"estimate", "benchmark"}) | {
    *("make_plan", "research", "write_code", "import", "acknowledge", "log_labels", "other_data"),
}
"""Kinds of request that change something or take long: none of them comes from a refusal or a question."""

_LEAD = (
    r"^\W*(?:(?:no|nope|nah|ok|okay|please|but|and|so|well|sorry|wait|actually|hey|hm+|stop|oh|now|for now|just|then|"
    r"also|again|yes|right|fine)\W+)*"
)
_NOT = r"(?:do not|do ?n['’]?t|never|will not|won['’]?t|(?:am|are|['’]m|['’]re) not going to|must not|mustn['’]?t|should not|shouldn['’]?t|cannot|can['’]?t|need not|needn['’]?t)"
_VERBS = (
    r"(?:promot\w+|deploy\w*|releas(?:e|ing)|ship\w*|crown\w*|watch\w*|monitor\w*|observ(?:e|ing)|"
    r"roll(?:ing)?(?: \w+)? back|revert\w*|undo\w*|(?:re-?)?train\w*|fit(?:ting)?|build\w*|predict\w*|forecast\w*|"
    r"classify\w*|optimi[sz]\w+|quanti[sz]\w+|prun(?:e|ing)|compress\w*|shrink\w*|distil\w*|run(?:ning)?|start\w*|"
    r"begin\w*|execut\w+|launch\w*|do|doing|go ahead|proceed\w*|make(?! it (?:\w+er|more|less|worse)\b)|making|"
    r"creat(?:e|ing)|plan(?:ning)?|research\w*|investigat\w+|remember\w*|memori[sz]\w+|note|noting|forget\w*|"
    r"cancel\w*|abort\w*|delet(?:e|ing)|acknowledg\w+|silenc(?:e|ing)|mut(?:e|ing)|export\w*|benchmark\w*|import\w*|"
    r"load\w*|send|sav(?:e|ing)|writ(?:e|ing)|touch\w*|chang(?:e|ing))\b"
)
_REFUSES = re.compile(
    _LEAD
    + r"(?:"
    + rf"(?:(?:you|we|i) )?(?:please )?{_NOT}(?: (?:you|ever|yet|please|even|just|actually|dare(?: to)?|you dare(?: to)?))*"
    + r"|(?:i|we)(?: \w+ly| still| just)? (?:do not|don['’]?t|would not|wouldn['’]?t|never|no longer|did not|"
    + r"didn['’]?t)(?: \w+ly| even)? (?:want(?:ed)?|need|wish|plan|intend|mean|meant|like|ask|asked|tell|told|say|said)"
    + r"(?: you| us| anyone| anybody| it| that)?(?: to)?"
    + r"|(?:i|we)(?:['’]d| would) (?:rather|prefer)(?: you| to| that you)? not(?: to)?"
    + r"|(?:there(?:['’]s| is) )?no (?:need|reason)(?: for you)? to|not to|refrain from|avoid|hold off(?: on)?"
    + r"|under no circumstances|(?:whatever you do\W+)?(?:do not|don['’]?t)"
    + rf")\W+(?P<verb>{_VERBS})(?P<object>.*)$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    _LEAD
    + rf"(?:(?:{_VERBS})(?: on)? (?:nothing|none|no models?|nobody)\b|"
    + r"no (?:promotions?|trainings?|re-?training|roll-?backs?|monitoring|watching|deployments?|optimi[sz]ation)\b\W*\w*\W*$)",
    re.IGNORECASE,
)
_AFTER_ALL = re.compile(
    r"\W(?:no|or rather|actually|on second thoughts?)\W+(?:do not|don['’]?t)\W*$|\bnot (?:now|yet|today)\W*$|"
    r"\W(?:never ?mind|scratch that)\W*$",
    re.IGNORECASE,
)
_SETS = re.compile(r"_(?:nofamily|drop|budget|max_models|size|latency)_|\b(?:longer|more|less) than\b", re.IGNORECASE)
_NOT_A_NOTE = re.compile(r"^\W*(?:(?:any|every)?thing|it|this|that|nothing)?\W*$", re.IGNORECASE)
_LATER = re.compile(
    r"(?:\s*,)?\s+(?:(?:and|but)\s+)?(?:please\s+)?(?:do not|don['’]?t|never)\s+"
    rf"(?:you\s+)?(?:{_VERBS})(?:\s+(?:it|that|this|them|yet|the model|anything))*",
    re.IGNORECASE,
)
"""'... but do not promote it' after a request."""


def refuses(text: str) -> bool:
    """Whether the message says of some work that it is not to be done: 'do not promote it', 'forget nothing'.

    What is a setting of other work does not count: 'don't train a forest', 'don't train longer than a minute'.
    """
    if _NOTHING.search(text) or taken_back(text):
        return True
    found = _REFUSES.search(text)
    if found is None or _SETS.search(found["verb"] + found["object"]):
        return False
    verb = found["verb"].lower()
    if verb.startswith(("remember", "memori", "not")):
        return _NOT_A_NOTE.match(found["object"]) is not None
    # 'don't forget that I prefer recall' asks for a note
    return not verb.startswith("forget") or _NOT_A_NOTE.match(found["object"]) is not None


def taken_back(text: str) -> bool:
    """Whether the end of a message takes back all of it: 'promote it? no, don't'."""
    return _AFTER_ALL.search(text) is not None


def refused_object(text: str) -> str | None:
    """What stands after 'don't train on': a column there is to be left out."""
    found = re.search(_LEAD + rf"(?:{_NOT})\s+(?:train|fit|learn)\s+(?:it\s+)?(?:on|with|from)\s+(.+)$", text, re.I)
    return found.group(1).strip(" .!?") if found else None


def without_refused(text: str) -> str:
    """The message without what it says is not to be done: 'train on a.csv and don't promote it'."""
    return _LATER.sub("", text)


def binds(clause: str, cut: str) -> bool:
    """Whether a refusal reaches over this cut: 'don't train and promote it', 'don't train, promote or watch it'."""
    found = _REFUSES.search(clause)
    if found is None or re.search(r"[;.!?]|then", cut):
        return False
    return "and" in cut.split() or not found["object"].strip(" ,")


# questions

_POLITE = re.compile(
    r"^\W*(?:(?:\w+\W+){0,3}?)(?:can|could|would|will|won['’]?t)\s+(?:you|u)\b|"
    r"\b(?:is|would|will) (?:it|there) (?:be )?(?:possible|okay|ok|fine|a way)\b|^\W*would you mind\b|"
    r"^\W*(?:what|how) about\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|well|hey|hm+|sorry|please|then|wait|by the way|actually|now|just|one question|"
    r"question|hi|hello)\W+)*"
    r"(?:(?:tell me|explain(?: to me)?|remind me|i wonder|i(?:['’]d like| want) to know|do you know|any idea)\W+"
    r"(?:what|why|how|whether (?:it|i|we)|if (?:i|we) should|about)\b|"
    r"(?:what|why|when|where|how|should|shall|would|is|isn['’]?t|are|aren['’]?t|am|was|wasn['’]?t|were|does|doesn['’]?t|"
    r"did|didn['’]?t|has|hasn['’]?t|have (?:i|we|you|they)|had|wouldn['’]?t|shouldn['’]?t|what['’]s|who['’]s|how['’]s)\b|"
    r"who (?:promot|train|made|watch|roll)\w*|"
    r"do(?:n['’]?t)? (?:i|we|you|they|people|models)\b|(?:can|could|may|might|must) (?:it|this|that|they)\b|"
    r"(?:can|may|could|must) i (?:promot|roll|deploy|forget|cancel|run|retrain|approve)\w*|"
    r"which (?:\w+ ){0,3}(?:should|shall|would)\b)",
    re.IGNORECASE,
)
_ASKS_AHEAD = re.compile(
    r"^(?!.*\b(?:happens?|if (?:i|we|you)|i|should)\b)"
    r".*\b(?:will|would|likely|going to|about to|chances?|probability|risk|be|might|expected)\b",
    re.IGNORECASE,
)
"""'what will the price be?', 'how likely is it to churn?': a goal to train for."""
_BY_ITS_FORM = {
    "make_plan": re.compile(
        r"\b(?:what|which) steps\b|\bhow would you\b|\bstep[- ]by[- ]step\b|\bwhat would you\b", re.IGNORECASE
    ),
    "research": re.compile(
        r"\b(?:docs?|documentation|documents|literature|corpus|papers?|manuals?|people|others|experts|best practi[cs]es?)\b",
        re.IGNORECASE,
    ),
    "write_code": re.compile(r"\b(?:code|script|python|notebook|snippet)\b", re.IGNORECASE),
    "import": re.compile(r"^\W*(?:\w+\W+){0,2}?(?:what|how)(?:['’]s| is| does| are| many| much| big)\b", re.IGNORECASE),
    "refine": re.compile(r"^\W*(?:\w+\W+){0,2}?what (?:if|happens if you)\b", re.IGNORECASE),
    # whether 2 ms can be reached is only known by trying
    "optimise": re.compile(
        r"^(?!.*\boptimi[sz])\W*(?:\w+\W+){0,2}?(?:what|how|is|are|would|will|can|could|might|does)\b", re.IGNORECASE
    ),
    "edit_plan": re.compile(r"^\W*(?:\w+\W+){0,2}?what if\b", re.IGNORECASE),
    "train": _ASKS_AHEAD,
}
"""Questions that are requests: what is asked for is what the work finds out."""


def only_asks(text: str) -> bool:
    """Whether the message is a question, and no request in the form of one."""
    return _ASKS.search(text) is not None and _POLITE.search(text) is None


def is_asked_for(intent: str, text: str) -> bool:
    """Whether a question may start this work all the same: 'what steps would you take to predict churn?'."""
    form = _BY_ITS_FORM.get(intent)
    return form is not None and form.search(text) is not None
