"""The error of a regression on rows without labels, estimated by a second model of where the first one errs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.drift.baseline import Baseline, LossModel, PerformanceReference, finite
from engine.drift.drop import LEAST_ROWS, Seen, assess, held_against, p_worse, untold
from engine.drift.found import PerformanceDrift
from engine.drift.policy import Policy
from engine.drift.resample import REPEATS, Floats
from engine.errors import BadArguments, TooFewRows
from engine.metrics import METRICS, Metric, score

METHOD = "DLE"
MOST_ROWS = 20_000
MOST_CELLS = 600_000
"""With more features fewer rows are fitted on, so that a fit stays under a second."""
LEAST_FITTED = 100
LEAST_LOSS = 1e-9
"""Added to every loss: a Poisson model cannot be fitted on zeros alone."""
PARTS = 5
ROUNDS = 60
OPTIONS: Mapping[str, object] = {
    "objective": "poisson",  # answers are positive, and their sum over the rows fitted on is right
    "poisson_max_delta_step": 1e-3,  # the usual 0.7 halves every step, which leaves large losses underestimated
    "learning_rate": 0.1,
    "num_leaves": 8,
    "min_data_in_leaf": 20,
    "max_bin": 63,
    "feature_fraction": 0.8,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
BLIND = (
    "Estimated from where the model erred before: it tells of changes in what the rows are like, and cannot tell of a "
    "change in what the same rows lead to (concept drift), for which labels are needed."
)


def fit_loss_model(
    features: NDArray[np.float32],
    truth: Floats,
    prediction: Floats,
    metric: Metric,
    *,
    categorical: Sequence[int] = (),
    encoding: Mapping[str, object] | None = None,
    seed: int = 0,
) -> LossModel:
    """Learn the loss of a row from its encoded features (n, d) and its out-of-fold prediction (n,).

    The loss is the absolute error when `metric` is mae, the squared error otherwise. Of more than 20,000 rows, or
    600,000 cells, a sample is fitted on. Five models each leave a fifth of the rows out: their mean is the answer,
    their spread its standard error, and the rows left out say how far a single loss is from the answer for it. Source:
    NannyML, 'Direct loss estimation'; delete-a-group jackknife: Kott 2001.

    Raises:
        TooFewRows: fewer than 100 rows have a label and a prediction.
    """
    usable = np.flatnonzero(np.isfinite(truth) & finite(prediction))
    if len(usable) < LEAST_FITTED:
        raise TooFewRows(
            f"A model of the loss cannot be fitted on {len(usable)} row(s).", f"Give at least {LEAST_FITTED} of them."
        )
    rng = np.random.default_rng([seed, 14])
    inputs = _inputs(features, prediction)
    most = max(LEAST_FITTED, min(MOST_ROWS, MOST_CELLS // inputs.shape[1]))
    rows = rng.permutation(usable)[:most]
    squared = metric.name != "mae"
    scale = score(METRICS["rmse" if squared else "mae"], truth[rows], prediction[rows]) or 1.0
    loss = np.abs(truth[rows] - prediction[rows]) / scale
    loss = loss**2 if squared else loss
    texts, answers = _fitted(inputs[rows], loss, categorical, seed)
    # one ratio of sums, not the mean of ratios: a far too small answer for one row cannot blow it up
    noise = float(np.sqrt(np.sum((loss - answers) ** 2) / np.sum(answers**2)))
    return LossModel(
        texts=texts, squared=squared, scale=scale, noise=noise, width=inputs.shape[1], encoding=dict(encoding or {})
    )


def estimate_loss(
    model: LossModel,
    features: NDArray[np.float32],
    prediction: Floats,
    metric: Metric,
    policy: Policy,
    *,
    reference: PerformanceReference | None = None,
    baseline: Baseline | None = None,
    seed: int = 0,
) -> PerformanceDrift:
    """Direct loss estimation (DLE) of mae (by a model of absolute errors) or rmse (by one of squared errors) on rows
    with encoded features (n, d) and predictions (n,). rmse stands in for r2, which needs the spread of the labels.

    `interval` holds the sampling error of the metric on as many rows and the error of the model of the loss. It holds
    while rows like these are predicted as well as before. **Concept drift, where the same rows come to have other
    labels, cannot be seen by it.**

    Raises:
        BadArguments: other features than the model was fitted on, or a metric of the other loss.
    """
    wanted = METRICS["rmse" if metric.name == "r2" else metric.name]
    _check(model, features, prediction, wanted)
    usable = finite(prediction)
    rows = int(usable.sum())
    if rows < LEAST_ROWS:
        return untold(wanted, "estimated", METHOD, rows, f"Nothing can be estimated from {rows} row(s).")
    notes: tuple[str, ...] = (BLIND,)
    if wanted is not metric:
        notes, baseline = (*notes, f"{metric.name} cannot be estimated, so {wanted.name} is given instead."), None
    rng = np.random.default_rng([seed, 15])
    mean, error = _mean_loss(model, _inputs(features[usable], prediction[usable]))
    seen = _seen(model, mean, error, rows, rng)
    held = held_against(wanted, baseline, reference, rng)
    p_value = None if held is None else p_worse(wanted, seen, held)
    return assess(wanted, seen, held, p_value, policy, source="estimated", method=METHOD, notes=notes)


def _inputs(features: NDArray[np.float32], prediction: Floats) -> Floats:
    return np.column_stack([np.asarray(features, dtype=np.float64), prediction])


def _fitted(inputs: Floats, loss: Floats, categorical: Sequence[int], seed: int) -> tuple[tuple[str, ...], Floats]:
    """The models' texts, and (n,) answers for each row by the model that left it out."""
    import lightgbm

    part = np.arange(len(loss)) % PARTS
    texts, answers = [], np.empty(len(loss))
    options = dict(OPTIONS) | {"seed": seed, "min_data_per_group": 20}
    for left_out in range(PARTS):
        inside = part != left_out
        data = lightgbm.Dataset(
            inputs[inside], label=loss[inside] + LEAST_LOSS, categorical_feature=list(categorical), params=options
        )
        booster = lightgbm.train(options, data, num_boost_round=ROUNDS)
        texts.append(booster.model_to_string())
        answers[~inside] = booster.predict(inputs[~inside], num_threads=1)
    return tuple(texts), answers


def _mean_loss(model: LossModel, inputs: Floats) -> tuple[float, float]:
    """The mean loss of the rows in multiples of the usual, and its standard error: by the model's and by the rows'."""
    import lightgbm

    answers = np.stack([lightgbm.Booster(model_str=text).predict(inputs, num_threads=1) for text in model.texts])
    by_model = answers.mean(axis=1)
    jackknife = (len(by_model) - 1) * by_model.var()
    loss = answers.mean(axis=0)
    # law of total variance: rows differ in what is expected of them, and a loss from what is expected
    single = loss.var() + model.noise**2 * np.mean(loss**2)
    return float(loss.mean()), float(np.sqrt(jackknife + single / len(loss)))


def _seen(model: LossModel, mean: float, error: float, rows: int, rng: np.random.Generator) -> Seen:
    """The metric, in the units of the target, of a mean loss in multiples of the usual."""
    losses = np.append(mean, np.maximum(rng.normal(mean, error, REPEATS), 0.0))
    values = model.scale * (np.sqrt(losses) if model.squared else losses)
    return Seen(float(values[0]), values[1:], rows)


def _check(model: LossModel, features: NDArray[np.float32], prediction: Floats, metric: Metric) -> None:
    if features.shape != (len(prediction), model.width - 1):
        raise BadArguments(
            f"Features of shape {features.shape} do not fit {len(prediction)} prediction(s) and a model of the loss of "
            f"{model.width - 1} feature(s).",
            "Encode the rows as the model's encoding says.",
        )
    able = "rmse" if model.squared else "mae"
    if metric.name != able:
        raise BadArguments(f"This model of the loss cannot tell {metric.name!r}.", f"It tells {able!r}.")
