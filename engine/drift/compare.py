"""Comparing current rows with the profile of a reference: every column, every rate, corrected for their number."""

from collections.abc import Collection, Iterator, Mapping

import pandas as pd

from engine.data.cells import clip
from engine.drift.found import ColumnDrift, DriftReport, Finding, MultivariateDrift
from engine.drift.judging import judged
from engine.drift.levels import Level, highest
from engine.drift.policy import Policy
from engine.drift.profile import Profile
from engine.drift.reading import named, prediction_frame, read_column
from engine.drift.reference import ColumnReference, Floats
from engine.drift.shape import LEAST_PRESENT, Compared, compare_column
from engine.drift.statistics.correction import benjamini_hochberg
from engine.drift.wording import subject
from engine.errors import BadArguments

HALF = 0.5
"""The AUC of a classifier that cannot tell two samples apart."""
ALPHA = 0.05


def compare(
    profile: Profile,
    frame: pd.DataFrame,
    policy: Policy | None = None,
    *,
    prediction: Floats | None = None,
    multivariate: bool = False,
    seed: int = 0,
) -> DriftReport:
    """Compare current rows with a reference.

    Each column is read as the kind that the profile declares, and tested as the profile says: nothing is decided by the
    current rows. All tests are corrected together (Benjamini-Hochberg); a level needs a small corrected p-value and a
    large effect at once. Whatever is wrong with the rows is a finding, not an error: columns that are gone or of
    another kind are RED. Columns of the profile's target may be absent, since labels come late.

    Args:
        frame: raw or coerced rows (n, any columns, in any order).
        policy: what counts as drift; the default one if None.
        prediction: (n,) values or (n, k) probabilities for the same rows, compared with those of the reference.
        multivariate: also look at all columns together, which takes a few seconds.
        seed: of the samples that classifiers are trained on.

    Raises:
        BadArguments: `frame` is no DataFrame, or the predictions do not fit the rows or the profile.
        DuplicateColumns: two columns have one name.
    """
    if not isinstance(frame, pd.DataFrame):
        raise BadArguments(f"The rows are a {type(frame).__name__}.", "Give a pandas DataFrame.")
    policy, given = policy or Policy(), named(frame)
    predicted, notes = _predicted(profile, prediction, len(given))
    if len(given) == 0:
        nothing = Finding(code="no_rows", level=Level.GREEN, sentence="There are no rows, so nothing was compared.")
        return _report(profile, 0, _untested(profile), (nothing,), None)
    expected = {*profile.of_role("feature"), *profile.of_role("target")}
    cells = {name: given[name] for name in given.columns if name in expected}
    found = _compared(profile, {**cells, **predicted}, seed)
    together = _together(profile, given, policy, seed, found) if multivariate else None
    columns = _columns(profile, found, _adjusted(found, together), policy)
    return _report(profile, len(given), columns, (*notes, *_of_the_frame(given, expected)), together)


def _predicted(
    profile: Profile, prediction: Floats | None, rows: int
) -> tuple[Mapping[str, pd.Series], tuple[Finding, ...]]:
    """The predictions as columns under the names that the profile has for them."""
    names = profile.of_role("prediction")
    if prediction is None:
        return {}, ()
    if not names:
        untold = "The predictions were not compared, since the reference has none."
        return {}, (Finding(code="not_tested", level=Level.GREEN, sentence=untold),)
    found = prediction_frame(prediction, profile.classes)
    if len(found) != rows or len(found.columns) != len(names):
        raise BadArguments(
            f"The predictions make {len(found.columns)} column(s) of {len(found):,} rows, and {len(names)} of {rows:,} "
            "are needed.",
            "Give one prediction for each row, of the same shape as those of the reference.",
        )
    return dict(zip(names, (found[name] for name in found.columns), strict=True)), ()


def _compared(profile: Profile, cells: Mapping[str, pd.Series], seed: int) -> dict[str, Compared]:
    """Every column that is on both sides, in the profile's order."""
    return {
        name: compare_column(reference, read_column(cells[name], profile.readings[name], seed=seed), seed)
        for name, reference in profile.columns.items()
        if name in cells
    }


def _columns(
    profile: Profile, found: Mapping[str, Compared], adjusted: Mapping[str, Mapping[str, float]], policy: Policy
) -> dict[str, ColumnDrift]:
    """Every column that was compared, in the profile's order, and every feature that is gone."""
    columns: dict[str, ColumnDrift] = {}
    for name, reference in profile.columns.items():
        if name in found:
            columns[name] = judged(found[name], adjusted[name], policy)
        elif reference.role == "feature":
            columns[name] = _gone(reference)
    return columns


def _adjusted(found: Mapping[str, Compared], together: MultivariateDrift | None) -> dict[str, dict[str, float]]:
    """Corrected p-values by column and test: one family, since any one of them can raise the alarm."""
    others = (together.p_value, together.reconstruction_p_value) if together else ()
    corrected = iter(benjamini_hochberg([*_p_values(found), *(p for p in others if p is not None)]).tolist())
    return {name: {test: next(corrected) for test in column.tests} for name, column in found.items()}


def _p_values(found: Mapping[str, Compared]) -> list[float]:
    return [tested.p_value for column in found.values() for tested in column.tests.values()]


def _untested(profile: Profile) -> dict[str, ColumnDrift]:
    """Every feature as one of which nothing is known."""
    return {
        name: ColumnDrift(name=name, kind=column.kind, role=column.role, reference_rows=column.rows)
        for name, column in profile.columns.items()
        if column.role == "feature"
    }


def _gone(reference: ColumnReference) -> ColumnDrift:
    lost = Finding(
        code="missing_column",
        level=Level.RED,
        sentence=f"{subject(reference)} is not among the current columns.",
        column=reference.name,
    )
    return ColumnDrift(
        name=reference.name,
        kind=reference.kind,
        role=reference.role,
        level=Level.RED,
        reference_rows=reference.rows,
        findings=(lost,),
    )


def _of_the_frame(frame: pd.DataFrame, expected: Collection[str]) -> Iterator[Finding]:
    if len(frame) < LEAST_PRESENT:
        few = f"There are {len(frame)} rows; for the shape of a column {LEAST_PRESENT} are needed."
        yield Finding(code="too_few_rows", level=Level.GREEN, sentence=few, figures={"rows": len(frame)})
    for name in frame.columns:
        if name not in expected:
            new = f"Column {clip(name)!r} is not in the reference and was not compared."
            yield Finding(code="extra_column", level=Level.GREEN, sentence=new, column=name)


def _together(
    profile: Profile, frame: pd.DataFrame, policy: Policy, seed: int, found: Mapping[str, Compared]
) -> MultivariateDrift | None:
    from engine.drift.multivariate import compare_rows

    return compare_rows(profile, frame, policy, seed, _p_values(found))


def _report(
    profile: Profile,
    rows: int,
    columns: dict[str, ColumnDrift],
    notes: tuple[Finding, ...],
    together: MultivariateDrift | None,
) -> DriftReport:
    findings = [*(finding for column in columns.values() for finding in column.findings), *notes]
    if together is not None and together.level > Level.GREEN:
        findings.append(_multivariate(together))
    return DriftReport(
        level=highest(finding.level for finding in findings),
        rows=rows,
        reference_rows=profile.rows,
        task=profile.task,
        columns=columns,
        findings=tuple(sorted(findings, key=lambda finding: -finding.level.rank)),
        multivariate=together,
    )


def _multivariate(together: MultivariateDrift) -> Finding:
    names = ", ".join(repr(clip(name)) for name, _ in together.columns[:3])
    told = []
    if together.auc is not None and together.interval is not None and together.interval[0] > HALF:
        told.append(f"can be told from the reference's with an AUC of {together.auc:.3f}")
    if together.reconstruction is not None and (not told or (together.reconstruction_p_value or 0.0) <= ALPHA):
        told.append(f"lie off the reference's principal components (KS distance {together.reconstruction:.3f})")
    return Finding(
        code="multivariate",
        level=together.level,
        sentence=f"Taken together, current rows {' and '.join(told)}"
        + (f", most of all by {names}." if names else "."),
        figures={"auc": together.auc, "reconstruction": together.reconstruction},
    )
