"""What the words of the trade mean, one line each, and what a column is: questions that need no work."""

# ruff: noqa: E501

import re

from agents.offline.columns import find_column
from agents.offline.playing import Play, Request, Told
from agents.offline.texts import UNKNOWN
from agents.offline.wording import figure, name_of

_MEANINGS: tuple[tuple[str, str], ...] = (
    (r"balanced[ _]accuracy", "balanced accuracy is the mean of the recalls of all classes, so a rare class counts as much as a common one."),
    (r"accuracy", "accuracy is the share of rows whose class was predicted right; where one class is rare it can be high without finding it."),
    (r"recall|sensitivity", "recall is the share of the rows that are of a class that the model found."),
    (r"precision", "precision is the share of the rows called positive that really are."),
    (r"f1(?:[ _-]?score)?", "f1 is the harmonic mean of precision and recall: it is high only where both are."),
    (r"(?:roc[ _-]?)?auc", "roc_auc is the chance that the model ranks a random positive row above a random negative one: 0.5 is guessing, 1 is perfect."),
    (r"rmse|root mean squared? error", "rmse is the root of the mean squared error, in the unit of the target; large errors weigh more, and lower is better."),
    (r"mae|mean absolute error", "mae is the mean absolute error, in the unit of the target; lower is better."),
    (r"mse|mean squared error", "mse is the mean of the squared errors; lower is better."),
    (r"r2|r[ -]squared", "r2 is the share of the target's variance that the model explains: 1 is perfect, 0 is no better than the mean."),
    (r"log[ _-]?loss", "log loss is the mean negative logarithm of the probability given to the right class; lower is better."),
    (r"champion", "The champion is the version of a registered model that is in use; 'promote it' gives another version that place."),
    (r"challenger", "A challenger is a version that is tried against the champion and may take its place."),
    (r"baseline|dummy", "The baseline predicts without looking at any column, for example always the most common class; a model must beat it to be worth anything."),
    (r"cross[- ]?validation", "In cross-validation each part of the training rows is predicted once by a model trained on the other parts."),
    (r"validation(?: score)?", "Validation judges the candidates on training rows that they were not fitted on; by it the best one is chosen."),
    (r"(?:sealed )?(?:test|sealed)[ -](?:rows|set|data|score)", "The sealed test rows are set aside at import and used for no choice; the finished model is measured on them, and each look is counted."),
    (r"over-?fit\w*", "A model overfits where it does much better on the rows it was trained on than on rows it has not seen."),
    (r"drift", "Drift is a change of the data since the training, such as other values of a column than the model has learnt from."),
    (r"training", "Training fits candidates on the training rows, chooses one in validation and measures it once on the sealed test rows."),
    (r"roll[- ]?back", "A roll-back makes the champion before the champion again; no model is deleted by it."),
    (r"monitor(?:ing)?", "A monitor compares new rows of a model with those it was trained on, and tells where they drift apart."),
    (r"distil\w*", "Distilling trains a small model to answer like a larger one."),
    (r"quanti[sz]\w*", "Quantising stores a model's weights in fewer bits, which makes it smaller and often faster."),
)  # fmt: skip
_TABLE = tuple((re.compile(rf"\b(?:{words})\b", re.IGNORECASE), meaning) for words, meaning in _MEANINGS)
_WORDS = r"(?:_metric_|_alias_|_score_|" + "|".join(words for words, _ in _MEANINGS) + ")"
_LEAD = (
    r"^\W*(?:(?:and|so|but|ok|okay|well|hey|hm+|sorry|please|then|wait|by the way|actually|remind me|tell me|again|"
    r"can you (?:tell|explain to) me|could you (?:tell|explain to) me|do you know)\W+)*"
)
_A = r"(?:a |an |the word |the term |the metric )?"
_ASKED = re.compile(
    _LEAD
    + r"(?:"
    + rf"what(?:['’]s| is| are| was)(?: (?:meant by|the meaning of|the definition of))? {_A}(?:the (?=sealed|test))?"
    + rf"{_WORDS}(?: (?:score|metric|model|good for|supposed to be|exactly|actually|again))*"
    + rf"|what (?:do|does|did) (?:you mean by )?{_A}(?:the )?{_WORDS}(?: (?:score|metric|model))?(?: (?:mean|stand for|measure|tell me|say))?"
    + rf"|(?:define|explain|meaning of|definition of)(?: to me)? (?:what )?{_A}{_WORDS}(?: (?:is|means|metric))?"
    + rf"|(?:is|are) {_A}{_WORDS} (?:better|worse|more \w+|higher|lower) (?:than|or) {_A}{_WORDS}\b[\w ]*"
    + rf"|(?:what(?:['’]s| is) the difference|difference) between {_A}(?:the )?{_WORDS} and {_A}(?:the )?{_WORDS}"
    + r")\W*$",
    re.IGNORECASE,
)
_COLUMN_ASKED = re.compile(
    _LEAD + r"what(?:['’]s| is| are| does)(?: the)?(?: column)? ([\w ._-]{1,60}?)(?: column)?(?: mean| stand for)?\W*$",
    re.IGNORECASE,
)
_MOST = 3


def asks_meaning(text: str) -> bool:
    """Whether a message (with placeholders) asks what a word of the trade means."""
    return _ASKED.search(text) is not None


def asks_column(text: str) -> bool:
    """Whether a message could ask what a column is: 'what is price?'."""
    return _COLUMN_ASKED.search(text) is not None


def word_meant(play: Play, request: Request) -> str:
    """What the words mean, a line each."""
    found, left = [], request.words
    for pattern, meaning in _TABLE:
        if pattern.search(left):
            found.append(meaning)
            left = pattern.sub(" ", left)
    if not found:
        raise Told(UNKNOWN)
    return "\n".join(line[0].upper() + line[1:] for line in found[:_MOST])


def column_asked(play: Play, request: Request) -> str:
    """What is known of the column that is named."""
    known, said = play.known, _COLUMN_ASKED.search(request.words)
    columns = known.columns(known.dataset)
    name = find_column(said.group(1), [str(column["name"]) for column in columns]).column if said else None
    column = next((column for column in columns if column.get("name") == name), None)
    if column is None:
        raise Told(UNKNOWN)
    told = [f"{figure(column[count])} {words}" for count, words in _COUNTS if isinstance(column.get(count), int)]
    table = name_of(known.datasets.get(known.dataset or "", {}).get("name") or known.dataset)
    facts = ", ".join([f"kind {name_of(column.get('kind'))}", *told])
    return f"{name_of(name)} is a column of {table}: {facts}. What it stands for the data does not say."


_COUNTS = (("missing", "missing"), ("distinct", "distinct values"))


def promotion_asked(play: Play, request: Request) -> str:
    """Which model is the champion, as the registry says; whether another should be is for the user to say."""
    rows = [row for row in play.use("list_models").get("models") or [] if isinstance(row, dict)]
    if not rows:
        raise Told("There is no model yet, so none is promoted.")
    champions = [str(row.get("model")) for row in rows if "champion" in (row.get("aliases") or [])]
    spoken = play.known.model
    if not champions:
        told = "No model is promoted: there is no champion."
    elif spoken in champions:
        told = f"{spoken} is the champion."
    else:
        told = f"{'The champion is' if len(champions) == 1 else 'Champions are'} {', '.join(champions[:5])}."
        told += f" {spoken} is not." if spoken else ""
    return (
        f"{told} Whether to promote is yours to decide: 'compare the models' and 'how sure are you?' show what speaks "
        "for it, and 'roll back' undoes a promotion. I change nothing on a question."
    )
