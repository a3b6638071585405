"""The words for metrics, model families and samples. Order matters: the longer form stands first."""

import re


def _table(*rows: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), name) for pattern, name in rows)


METRICS = _table(
    (r"(?:mean )?macro[- _]?(?:average[d]? )?f[- ]?1(?:[- ]score)?|f1[- _]macro", "macro_f1"),
    (r"f[- _]?1(?:[- _]?(?:score|measure))?|f[- ]score|f[- ]measure", "f1"),
    (
        r"average[- _]precision|pr[- _]?auc|auc[- _]?pr|auprc|area under the precision[- ]recall(?: curve)?",
        "average_precision",
    ),
    (r"roc[- _]?auc|auc[- _]?roc|auroc|roc(?: curve)?|auc|area under the (?:roc )?curve", "roc_auc"),
    (r"balanced[- _]accuracy", "balanced_accuracy"),
    (r"accuracy", "accuracy"),
    (r"(?:log(?:arithmic)?|cross[- ]entropy|logistic)[- _]?loss|cross[- ]entropy", "log_loss"),
    (r"precision", "precision"),
    (r"recall|sensitivity", "recall"),
    (r"rmse|root mean squared? error", "rmse"),
    (r"mae|mean absolute error|absolute error", "mae"),
    (r"r2|r²|r[- ]?squared?|r\^2|coefficient of determination", "r2"),
)
"""Pattern -> name of the engine's metric."""

_NET = r"net(?:work)?s?"
_MODEL = r"(?: (?:model|classifier|regressor)s?)?"
FAMILIES = _table(
    (r"(?:a |an )?(?:random[- ])?forests?|rf|extra[- ]?trees", "forest"),
    (
        r"(?:a )?(?:light[- ]?gbm|lgbm|gbms?|gbdt|(?:gradient[- ])?boost(?:ing|ed)(?: (?:model|machine|tree)s?)?)",
        "lightgbm",
    ),
    (r"(?:a )?(?:linear|logistic|ridge|lasso|elastic[- ]?net)(?: (?:model|regression|classifier)s?)?|logreg", "linear"),
    (r"(?:an? )?xg[- ]?boost", "?xgboost"),
    (r"(?:a )?cat[- ]?boost", "?catboost"),
    (r"(?:an? )?(?:svms?|support vector machines?)", "?support vector machines"),
    (r"(?:an? )?(?:knn|k[- ]nearest[- ]neighbou?rs?)", "?nearest neighbours"),
    (r"naive bayes", "?naive Bayes"),
    (
        rf"(?:an? )?pre-?trained (?:[\w-]+ )?(?:{_NET}|models?|transformers?|bert|res-?nets?|cnns?|encoders?|lstms?)|"
        r"(?:a )?(?:roberta|distil-?bert)(?: model)?",
        "?pretrained models",
    ),
    (r"(?:a )?vision[- ]transformers?|(?:a )?vit", "?vision transformers"),
    (
        rf"(?:a )?(?:small |deep )?(?:res-?nets?(?:[- ]?\d+)?|residual (?:neural )?{_NET}|cnns?|conv-?nets?|"
        rf"conv(?:olution(?:al)?)?[- ](?:neural )?(?:{_NET}|models?)){_MODEL}",
        "resnet",
    ),
    (
        rf"(?:an? )?(?:bi-?(?:directional )?)?(?:lstms?|rnns?|long short[- ]term memory|"
        rf"recurrent (?:neural )?(?:{_NET}|models?))(?: {_NET}|{_MODEL})",
        "lstm",
    ),
    (
        r"(?:an? )?(?:bert(?:[- ](?:like|style|type))?(?: encoders?)?|(?:bert[- ](?:like|style|type) )?"
        rf"(?:text[- ])?(?:transformers?(?:[- ]encoders?)?|(?<!hot[- ])(?<!label )(?<!target )encoders?)){_MODEL}",
        "encoder",
    ),
    (
        rf"(?:an? )?(?:(?:small |artificial )?(?:deep |neural |feed-?forward |tabular )+(?:{_NET}|models?)|"
        rf"deep[- ]learning|mlps?|(?:multi-?layer )?perceptrons?){_MODEL}",
        "network",
    ),
    (rf"(?:a )?{_NET}", "network"),
)
"""Pattern -> candidate; '?' marks what there is no candidate for."""

DOUBTFUL = re.compile(rf"(?:a )?{_NET}", re.IGNORECASE)
"""A word for a family that is as often a word for something else: it counts only where it is asked for."""

BERT = re.compile(r"\bbert\b(?![- ](?:like|style|type))", re.IGNORECASE)
NOT_PRETRAINED = "There is no pretrained BERT here: encoder is a small transformer, trained from scratch on your texts."

NO_FAMILY = re.compile(
    r"(?:\b(?:no|not|without|except(?: for)?|but(?: no| not)?|excluding|exclude|drop|skip|"
    r"(?:don['’]?t|do not|never) (?:use|train|try|fit|run|want|include|add)|"
    r"leave out)"
    r"|_nofamily_\s*(?:,|and|or|nor))\s*(?:any |the )?$",
    re.IGNORECASE,
)
"""What stands before a family that is not wanted."""

_SET = r"(?: ?(?:data ?)?(?:set)?)"
SAMPLES = _table(
    (rf"(?:the |your )?(?:churn sample{_SET}|sample(?: of)? churn{_SET})", "churn"),
    (rf"(?:the |your )?(?:breast[- _]cancer sample{_SET}|sample(?: of)? breast[- _]cancer{_SET})", "breast_cancer"),
    (rf"(?:the |your )?(?:diabetes sample{_SET}|sample(?: of)? diabetes{_SET})", "diabetes"),
    (
        rf"(?:the |your )?(?:(?:digits?[- _])?images? sample{_SET}|"
        r"(?:sample|demo|example)(?: of)?(?: digits?)?[- _]images?)",
        "digits_images",
    ),
    (rf"(?:the |your )?(?:digits? sample{_SET}|sample(?: of)? digits?{_SET})", "digits"),
    (
        rf"(?:the |some |your |a )?(?:sample|demo|example){_SET}(?= |$)"
        r"(?! (?:prediction|command|question|request|session|message|conversation))",
        "churn",
    ),
)
"""Pattern -> bundled sample; without a name the churn sample is meant."""
