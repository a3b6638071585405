"""What is still open before a model is used: from its tests, its data and its record."""

from typing import TYPE_CHECKING

from engine.figures import figure
from engine.package_info import PackageFiles
from tools.deploying import TrialPlan
from tools.testing import ModelTest

if TYPE_CHECKING:
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

MOST_WARNINGS = 8
FEW_TEST_ROWS = 200
LONG_DAYS = 60


def risks_of(
    workshop: "Workshop",
    record: "ModelRecord",
    info: "PackageInfo",
    tested: ModelTest | None,
    trial: TrialPlan | None,
) -> tuple[str, ...]:
    """In sentences, what was found by tests first."""
    looks = workshop.registry.looks(info.lineage.dataset)
    found = [*_of_tests(record, tested), *_of_data(record)]
    if info.metric.rows < FEW_TEST_ROWS:
        low, high = info.metric.ci
        interval = (
            "" if low is None or high is None else f": {info.metric.name} lies in {figure(low)} to {figure(high)}"
        )
        found.append(f"Its test result is of {info.metric.rows:,} rows only{interval}.")
    if looks > 1:
        found.append(f"The sealed test rows were looked at {looks} times, which makes the result on them look better.")
    if trial is None:
        found.append("No A/B test could be worked out: how well it does on unseen rows is not on record.")
    elif trial.days > LONG_DAYS:
        found.append(
            f"At this traffic the A/B test takes {figure(round(trial.days))} days: look for a larger difference, or "
            "accept that a small one is not seen."
        )
    return tuple(found)


def _of_tests(record: "ModelRecord", tested: ModelTest | None) -> list[str]:
    if tested is None:
        return [f"It was not tested: test_model with model={record.model_id!r} does that."]
    every = (*tested.requirements, *tested.checks)
    found = [
        f"{'Failed' if check.status == 'failed' else 'To look at'}: {check.name}: {check.detail}"
        for status in ("failed", "warned")
        for check in every
        if check.status == status
    ]
    found += [
        f"Required and not judged: {one.name}: {one.detail}" for one in tested.requirements if one.status == "skipped"
    ]
    return found


def _of_data(record: "ModelRecord") -> list[str]:
    from engine.data.profile import FrameProfile

    path = record.package / PackageFiles.PROFILE
    if not path.is_file():
        return []
    warnings = FrameProfile.model_validate_json(path.read_bytes()).warnings
    more = len(warnings) - MOST_WARNINGS
    return [
        *(f"Data: {warning}" for warning in warnings[:MOST_WARNINGS]),
        *([f"Data: {more} more warning(s) in the report of the model."] if more > 0 else []),
    ]
