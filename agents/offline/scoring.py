"""How well labelled messages are understood: kinds of request, what they name, and what is taken for what."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.offline.columns import find_column
from agents.offline.conversation import Known
from agents.offline.finding import bare
from agents.offline.labelled import Example, known_in
from agents.offline.playing import Question, Request

Reader = Callable[[str, Known, Question | None], tuple[Request, ...]]

_NOT_UNDERSTOOD = {"unknown": "out_of_scope"}
"""To say that it cannot be done is the right answer, whether the words were known for it or not."""
_SETTINGS = frozenset({"source", "budget", "metric", "families", "without", "drop", "seed", "device", "target"})
_USED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("train", "estimate", "refine", "make_plan", "crew"), _SETTINGS),
    **dict.fromkeys(("import", "profile", "evaluate", "check_drift", "log_labels"), frozenset({"source"})),
    "edit_plan": frozenset({"budget", "metric"}),
    "predict": frozenset({"source", "out"}),
    "export": frozenset({"out"}),
    "explain": frozenset({"top"}),
    "optimise": frozenset({"latency_ms", "max_drop", "size_mb"}),
    "promote": frozenset({"alias", "models"}),
    **dict.fromkeys(("watch", "benchmark"), frozenset({"alias"})),
}
"""What each kind of request makes use of: what else its words name changes nothing."""


@dataclass(frozen=True)
class Score:
    """`wrong` holds (text, what it is, what it was taken for); `confused` the pairs of kinds, the most frequent first.

    `precision`, `recall` and `f1` are of the named values, counted over all messages.
    """

    messages: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    wrong: tuple[tuple[str, str, str], ...]

    @property
    def confused(self) -> list[tuple[tuple[str, str], int]]:
        return Counter((label, taken) for _, label, taken in self.wrong).most_common()


def score(examples: Sequence[Example], read: Reader) -> Score:
    """How `read` does on the labelled messages."""
    wrong: list[tuple[str, str, str]] = []
    hits = said = labelled = 0
    for example in examples:
        known, question = known_in(example.context)
        requests = read(example.text, known, question)
        taken = "+".join(_NOT_UNDERSTOOD.get(request.intent, request.intent) for request in requests)
        if taken != example.intent:
            wrong.append((example.text, example.intent, taken))
        found = named(requests, known)
        wanted = {(name, _plain(value)) for name, value in example.slots.items()}
        got = {(name, _plain(value)) for name, value in found.items()}
        hits, said, labelled = hits + len(wanted & got), said + len(got), labelled + len(wanted)
    precision, recall = hits / max(said, 1), hits / max(labelled, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return Score(len(examples), 1 - len(wrong) / max(len(examples), 1), precision, recall, f1, tuple(wrong))


def named(requests: Sequence[Request], known: Known) -> dict[str, Any]:
    """What the requests name, by the names of labelled slots; the first one that names it has it."""
    values: dict[str, Any] = {}
    columns = known.column_names(known.dataset)
    for request in requests:
        for name in sorted(_USED.get(request.intent, ())):
            value = _target(request, columns) if name == "target" else getattr(request.slots, name)
            if value not in (None, ()):
                values.setdefault(name, value)
    if "drop" in values:
        values["drop"] = [find_column(words, columns).column or words for words in values["drop"]]
    return values


def _target(request: Request, columns: Sequence[str]) -> str | None:
    """The column that the words come to; where no column is known, the words if they are one."""
    said, rest = bare(request.slots.target or ""), bare(request.slots.rest)
    if columns:
        # as the skills do: the words after 'predict', then all the words; what goes on keeps its target
        places = (said,) if request.intent == "refine" else (said, rest)
        return next((match for words in places if words and (match := find_column(words, columns).column)), None)
    return said if said and " " not in said else None


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(sorted(str(item) for item in value))
    return str(float(value)) if isinstance(value, int | float) else str(value).lower()
