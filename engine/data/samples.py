"""Data sets that need no download: a churn generator with a known law, and those that scikit-learn carries."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.data.cells import TEXT
from engine.errors import BadChoice

CHURN_BAYES_AUC = 0.840
"""ROC AUC of the true churn probabilities (over a million rows): on average no model beats it."""

_SEED = 20240501
_CONTRACTS = ("month-to-month", "one year", "two years")
_PAYMENTS = ("electronic check", "mailed check", "bank transfer", "credit card")
_REGIONS = ("north", "south", "east", "west", "centre", "coast", "hills", "islands")


def sample_frame(name: str) -> tuple[pd.DataFrame, str]:
    """A sample and the column one predicts in it, e.g. `sample_frame("churn")`.

    Raises:
        BadChoice: no sample of that name.
    """
    if name not in SAMPLES:
        raise BadChoice("sample", name, tuple(SAMPLES))
    return SAMPLES[name]()


def churn(rows: int = 3_000, seed: int = _SEED) -> tuple[pd.DataFrame, str]:
    """Customers of a made-up telephone company; about one in four churns.

    The law, with every term known: churned ~ Bernoulli(sigmoid(z)),

        z = -1.85 + 1.5 [month-to-month] - 0.9 [two years] - 0.045 tenure_months + 0.55 support_calls
            + 0.03 (monthly_charge - 65) + 0.6 [electronic check] - 0.02 |age - 45|.

    `region`, `data_gb` and `customer_id` have no effect. The ROC AUC of the true probabilities is 0.840
    (CHURN_BAYES_AUC).
    `total_charge` is text and blank for customers of less than a month; 4 % of `data_gb` and 2 % of `age` are missing.
    """
    frame, probability, rng = _churn_customers(rows, seed)
    frame["churned"] = pd.Series(np.where(rng.random(rows) < probability, "yes", "no"), dtype=TEXT)
    return frame, "churned"


def churn_probabilities(rows: int, seed: int) -> npt.NDArray[np.float64]:
    """The true probability of churn of each row of `churn(rows, seed)`, shape (rows,)."""
    return _churn_customers(rows, seed)[1]


def _churn_customers(rows: int, seed: int) -> tuple[pd.DataFrame, npt.NDArray[np.float64], np.random.Generator]:
    rng = np.random.default_rng(seed)
    contract = rng.choice(3, rows, p=(0.55, 0.25, 0.2))
    tenure = np.floor(rng.gamma(1.3, (14, 26, 34), (rows, 3))[np.arange(rows), contract]).clip(0, 72).astype(int)
    charge = rng.normal(65, 22, rows).clip(15, 140).round(2)
    calls = rng.poisson(1.1, rows)
    payment = rng.choice(4, rows, p=(0.34, 0.22, 0.22, 0.22))
    age = rng.normal(45, 14, rows).clip(18, 90).round()
    z = -1.85 + 1.5 * (contract == 0) - 0.9 * (contract == 2) - 0.045 * tenure + 0.55 * calls
    z += 0.03 * (charge - 65) + 0.6 * (payment == 0) - 0.02 * np.abs(age - 45)
    total = np.where(tenure == 0, " ", np.char.mod("%.2f", charge * tenure))
    data = np.where(rng.random(rows) < 0.04, np.nan, rng.lognormal(2, 0.8, rows).round(1))
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series([f"C{number:06d}" for number in rng.permutation(rows) + 1], dtype=TEXT),
            "age": np.where(rng.random(rows) < 0.02, np.nan, age),
            "region": pd.Series(rng.choice(_REGIONS, rows), dtype=TEXT),
            "tenure_months": tenure,
            "contract": pd.Series(np.array(_CONTRACTS)[contract], dtype=TEXT),
            "payment": pd.Series(np.array(_PAYMENTS)[payment], dtype=TEXT),
            "monthly_charge": charge,
            "total_charge": pd.Series(total, dtype=TEXT),
            "data_gb": data,
            "support_calls": calls,
        }
    )
    return frame, 1 / (1 + np.exp(-z)), rng


def _breast_cancer() -> tuple[pd.DataFrame, str]:
    """569 tumours, 30 measures; 'malignant' or 'benign'."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    frame = pd.DataFrame(bunch.data, columns=[str(name).replace(" ", "_") for name in bunch.feature_names])
    frame["diagnosis"] = pd.Series(bunch.target_names[bunch.target], dtype=TEXT)
    return frame, "diagnosis"


def _diabetes() -> tuple[pd.DataFrame, str]:
    """442 patients, 10 measures (unscaled); disease progression after a year, a number."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    frame = pd.DataFrame(bunch.data, columns=[str(name) for name in bunch.feature_names])
    frame["progression"] = bunch.target
    return frame, "progression"


def _digits() -> tuple[pd.DataFrame, str]:
    """1,797 images of 8 x 8 grey values (0 to 16) in 64 columns; the digit 0 to 9."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    frame = pd.DataFrame(bunch.data, columns=[f"pixel_{row}_{column}" for row in range(8) for column in range(8)])
    frame["digit"] = bunch.target
    return frame, "digit"


def _digits_images() -> tuple[pd.DataFrame, str]:
    """The same 1,797 digits, each as an image of 8 x 8 in one column."""
    from sklearn.datasets import load_digits

    from engine.data.images import from_pixels, stretched

    bunch = load_digits()
    cells = [from_pixels(image).cell for image in stretched(bunch.images, 0.0, 16.0)]
    return pd.DataFrame({"image": pd.Series(cells, dtype=TEXT), "digit": bunch.target}), "digit"


SAMPLES: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "churn": churn,
    "breast_cancer": _breast_cancer,
    "diabetes": _diabetes,
    "digits": _digits,
    "digits_images": _digits_images,
}
