"""What optimising gives: the chosen variant against the model as it was trained, as ratios measured in one run.

Four kinds of networks (a table, an LSTM and a transformer over texts, a residual network over images) and an ensemble
with trees are trained for a while, optimised with at most 1 % to lose, and the whole table of each is printed: how many
times faster than eager each variant answers one row and 32 rows, in processes of their own, turn and turn about. The
last table is of the model alone (from features to answers, without what is done to the rows) and of the whole way.
`again` is the chosen variant measured once more, later: over the fastest variant within the guard, and over eager.

    python benchmarks/optimise.py [--train 40] [--budget 240] [--only network,lstm,encoder,resnet,ensemble] [--home DIR]
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.environment import available_cores
from engine.optimise.bench.timing import measure
from millwright.compose import inline_workshop, made_home
from millwright.settings import Settings
from tools.data import DatasetSummary
from tools.optimise import OptimisedModel, VariantRow
from tools.optimise_result import LATEST
from tools.optimising import typed_rows
from tools.packages import find_package
from tools.training import TrainingResult

if TYPE_CHECKING:
    from tools.workshop import Workshop

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TARGETS = {"network": 3.0, "lstm": 2.0, "encoder": 2.5, "resnet": 3.0}
"""Times faster than eager for one row that each kind is to reach."""


@dataclass(frozen=True)
class Case:
    """What is trained: candidates on a source."""

    name: str
    source: str
    target: str | None
    models: tuple[str, ...]


CASES = (
    Case("network", str(DATA / "telco_churn.csv"), "Churn", ("network",)),
    Case("lstm", str(DATA / "sms_spam.csv"), "label", ("lstm",)),
    Case("encoder", str(DATA / "sms_spam.csv"), "label", ("encoder",)),
    Case("resnet", "sample:digits_images", None, ("resnet",)),
    Case("ensemble", str(DATA / "telco_churn.csv"), "Churn", ("linear", "lightgbm", "forest", "network")),
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=float, default=40.0, help="seconds of each training")
    parser.add_argument("--budget", type=float, default=240.0, help="seconds of each optimisation")
    parser.add_argument("--only", default="", help="cases, separated by commas")
    parser.add_argument("--home", type=Path, help="where models are kept; a temporary folder by default")
    asked = parser.parse_args()
    cases = [case for case in CASES if not asked.only or case.name in asked.only.split(",")]
    with tempfile.TemporaryDirectory() as aside:
        home = asked.home or Path(aside)
        made_home(home)
        workshop = inline_workshop(Settings(home=home))
        found = [(case, _optimised(workshop, case, asked.train, asked.budget)) for case in cases]
        for case, result in found:
            _print_table(case, result)
        print(f"\n{available_cores()} cores; {found[0][1].machine}")
        _print_summary(found)
        _print_again(workshop, found)


def _optimised(workshop: "Workshop", case: Case, train: float, budget: float) -> OptimisedModel:
    dataset = workshop.call("import_dataset", source=case.source, target=case.target, name=case.name)
    assert isinstance(dataset, DatasetSummary)
    trained = workshop.call(
        "train_model",
        dataset=dataset.dataset,
        models=case.models,
        budget_seconds=train,
        name=case.name,
    )
    assert isinstance(trained, TrainingResult)
    found = workshop.call("optimise_model", model=trained.model, budget_seconds=budget)
    assert isinstance(found, OptimisedModel)
    return found


def _print_table(case: Case, found: OptimisedModel) -> None:
    eager = _row(found, "eager")
    print(f"\n{case.name}: {found.reason}")
    noise = max(found.noise.values(), default=float("nan"))
    print(
        f"  two measurements of eager differ by {noise:.0%}; sealed test drop {found.test_drop}; {found.seconds:.0f} s"
    )
    heads = ("x 1 row", "x 32", "x alone 1", "x alone 32", "drop", "size", "memory", "cold")
    print(f"  {'variant':<18}" + "".join(f"{head:>11}" for head in heads) + "  status")
    for row in found.variants:
        figures = (
            _times(eager.latency_ms, row.latency_ms, "1"), _times(eager.latency_ms, row.latency_ms, "32"),
            _times(eager.compute_ms, row.compute_ms, "1"), _times(eager.compute_ms, row.compute_ms, "32"),
            row.drop, _share(row.size_mb, eager.size_mb), _share(row.peak_mb, eager.peak_mb),
            _share(row.cold_ms, eager.cold_ms),
        )  # fmt: skip
        shown = "".join(f"{'-' if value is None else format(value, '.4g'):>11}" for value in figures)
        print(f"  {row.name:<18}{shown}  {row.status} {'' if row.status == 'ok' else row.why[:90]}")


def _print_summary(found: Sequence[tuple[Case, OptimisedModel]]) -> None:
    print(f"\n  {'kind':<10}{'chosen':<20}{'whole way':>10}{'alone':>8}{'asked':>7}{'drop':>9}{'bound':>7}")
    for case, result in found:
        eager, chosen = _row(result, "eager"), _row(result, result.chosen)
        whole = _times(eager.latency_ms, chosen.latency_ms, "1")
        alone = _times(eager.compute_ms, chosen.compute_ms, "1")
        asked = TARGETS.get(case.name)
        print(
            f"  {case.name:<10}{result.chosen:<20}{whole or 0:>10.2f}{alone or 0:>8.2f}"
            f"{asked or float('nan'):>7.1f}{chosen.drop or 0:>9.4f}{result.goal.max_drop:>7.2f}"
        )


def _print_again(workshop: "Workshop", found: Sequence[tuple[Case, OptimisedModel]]) -> None:
    """The chosen variant once more beside eager and the fastest of those within the guard."""
    print(f"\n  again, one row: {'over eager':>18}{'over the fastest':>20}")
    for case, result in found:
        times = _measured_again(workshop, result)
        chosen, fastest = times[result.chosen], min(times, key=lambda name: times[name])
        print(f"  {case.name:<15}{times['eager'] / chosen:>18.2f}{chosen / times[fastest]:>20.3f}  {fastest}")


def _measured_again(workshop: "Workshop", result: OptimisedModel) -> dict[str, float]:
    """Milliseconds for one row of eager and the three fastest within the guard."""
    record, info = find_package(workshop, result.source)
    latest = json.loads((workshop.home / LATEST / f"{record.model_id}.json").read_text(encoding="utf-8"))["run"]
    held = [row for row in result.variants if row.status == "ok" and row.latency_ms]
    fastest = sorted(held, key=lambda row: row.latency_ms["1"])[:3]
    names = dict.fromkeys(["eager", result.chosen, *(row.name for row in fastest)])
    rows = typed_rows(workshop, info).head(256)
    found = measure({name: workshop.runs / latest / "variants" / name for name in names}, rows)
    return {name: timing.latency_ms["1"] for name, timing in found.timings.items()}


def _row(found: OptimisedModel, name: str) -> VariantRow:
    return next(row for row in found.variants if row.name == name)


def _times(before: dict[str, float], after: dict[str, float], batch: str) -> float | None:
    return before[batch] / after[batch] if batch in before and after.get(batch) else None


def _share(value: float | None, whole: float | None) -> float | None:
    return value / whole if value is not None and whole else None


if __name__ == "__main__":
    main()
