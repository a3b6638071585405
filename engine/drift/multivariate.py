"""All columns of a row together, or all dimensions of a vector: are current ones unlike those of the reference?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.drift.classifier import MOST_ROWS, DomainFound, domain_classifier
from engine.drift.components import reconstruction_test
from engine.drift.found import MultivariateDrift
from engine.drift.judging import level_of
from engine.drift.learners import Rows, linear
from engine.drift.levels import Level, highest
from engine.drift.mmd import mmd_test
from engine.drift.policy import Policy
from engine.drift.sample import encode_rows
from engine.drift.statistics.correction import benjamini_hochberg
from engine.drift.statistics.tested import Tested
from engine.drift.thinning import chosen

if TYPE_CHECKING:
    from engine.drift.profile import Profile

MOST_COLUMNS = 5
"""Named as those that the classifier leans on."""


@dataclass(frozen=True)
class VectorsFound:
    """Two sets of vectors compared: by a classifier (see `DomainFound`) and by their discrepancy (see `MmdFound`)."""

    auc: float
    interval: tuple[float, float]
    p_value: float
    mmd2: float
    mmd_p_value: float


def compare_vectors(reference: Rows, current: Rows, seed: int = 0) -> VectorsFound | None:
    """Compare vectors (s, d) and (n, d) of texts, images or embeddings; None with fewer than 30 finite ones on a side.

    The discrepancy has a smallest p-value of 0.001, which does not survive a correction for many columns; the p-value
    of the classifier has no such end.
    """
    before, now = _finite(reference), _finite(current)
    domain = domain_classifier(before, now, seed, linear)
    discrepancy = mmd_test(before, now, seed)
    if domain is None or discrepancy is None:
        return None
    return VectorsFound(domain.auc, domain.interval, domain.p_value, discrepancy.mmd2, discrepancy.p_value)


def compare_rows(
    profile: "Profile", frame: pd.DataFrame, policy: Policy, seed: int = 0, others: Sequence[float] = ()
) -> MultivariateDrift | None:
    """Compare current rows with the profile's sample of rows; None where it has none, or of fewer than two columns.

    `others` are p-values of further tests of the same rows; see `compare_samples`.

    Raises:
        DuplicateColumns: two columns of the frame have one name.
    """
    sample = profile.sample
    if sample is None or len(sample.names) < 2:
        return None
    looked_at = chosen(len(frame), MOST_ROWS, np.random.default_rng([seed, 24]))
    current = encode_rows(profile, frame.iloc[looked_at])
    return compare_samples(sample.names, sample.values, current, policy, seed, others)


def compare_samples(
    names: tuple[str, ...],
    reference: Rows,
    current: Rows,
    policy: Policy,
    seed: int = 0,
    others: Sequence[float] = (),
) -> MultivariateDrift:
    """Compare rows (s, d) and (n, d) of d named columns; nothing is tested with fewer than 30 rows on a side.

    The classifier supports a level by the lower end of its AUC's interval, the reconstruction by its KS distance less
    what chance brings; each needs its p-value too, corrected for both and for the p-values of `others`
    (Benjamini-Hochberg). `rows` and `reference_rows` are those that were looked at.
    """
    domain = domain_classifier(reference, current, seed)
    reconstruction = reconstruction_test(reference, current, seed)
    return MultivariateDrift(
        auc=domain.auc if domain else None,
        interval=domain.interval if domain else None,
        p_value=domain.p_value if domain else None,
        reconstruction=reconstruction.statistic if reconstruction else None,
        reconstruction_p_value=reconstruction.p_value if reconstruction else None,
        rows=len(current),
        reference_rows=len(reference),
        level=highest(_levels(domain, reconstruction, policy, others)),
        columns=_leaned_on(domain, names, policy) if domain else (),
    )


def _levels(
    domain: DomainFound | None, reconstruction: Tested | None, policy: Policy, others: Sequence[float]
) -> list[Level]:
    tests = []
    if domain is not None:
        tests.append((domain.interval[0], domain.p_value, policy.thresholds.domain_auc))
    if reconstruction is not None:
        tests.append((reconstruction.effect, reconstruction.p_value, policy.thresholds.reconstruction))
    adjusted = benjamini_hochberg([*(p for _, p, _ in tests), *others]).tolist()
    return [
        level_of(effect, p, thresholds, policy) for (effect, _, thresholds), p in zip(tests, adjusted, strict=False)
    ]


def _leaned_on(domain: DomainFound, names: tuple[str, ...], policy: Policy) -> tuple[tuple[str, float], ...]:
    """The most important columns with their shares; none where the classifier tells nothing apart, for then it leans on
    chance."""
    if domain.p_value > policy.alpha.yellow:
        return ()
    first = np.argsort(-domain.importance, kind="stable")[:MOST_COLUMNS]
    return tuple((names[at], float(domain.importance[at])) for at in first if domain.importance[at] > 0)


def _finite(vectors: Rows) -> Rows:
    return vectors[np.isfinite(vectors).all(axis=1)]
