import pytest

from engine.automl.portfolio import candidates, class_power, family_of, more_trials, params_of
from engine.errors import BadChoice
from engine.metrics import METRICS


def test_the_dummy_is_first_and_the_cheap_families_follow() -> None:
    assert candidates(None, None) == ("dummy", "linear", "lightgbm", "lightgbm-t1", "forest")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_fixed_count_is_kept_exactly(count: int) -> None:
    names = candidates(None, count)
    assert names[0] == "dummy"
    assert len(set(names)) == count + 1


def test_only_the_asked_families_are_tried() -> None:
    assert candidates(("forest",), 3) == ("dummy", "forest", "forest-t1", "forest-t2")
    assert candidates(("dummy",), 3) == ("dummy",)


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadChoice, match="Did you mean 'lightgbm'"):
        candidates(("lightgmb",), None)


@pytest.mark.parametrize("name", ["lightgbm-t0", "svm", "linear-1", "../linear", ""])
def test_a_name_that_is_no_candidate_is_refused(name: str) -> None:
    with pytest.raises(BadChoice):
        family_of(name)


def test_trials_are_numbered_on() -> None:
    assert more_trials("forest", 2, ["forest", "forest-t3", "lightgbm-t9"]) == ["forest-t4", "forest-t5"]


@pytest.mark.parametrize("family", ["linear", "lightgbm", "forest"])
def test_a_trials_parameters_follow_from_its_name_and_the_seed(family: str) -> None:
    drawn = [params_of(f"{family}-t9", METRICS["roc_auc"], "binary", seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_absolute_error_is_fitted_as_absolute_error() -> None:
    assert params_of("lightgbm", METRICS["mae"], "regression", 0) == {"loss": "absolute"}


def test_rare_classes_are_weighed_up_only_where_labels_of_all_classes_count_alike() -> None:
    assert class_power("multiclass", METRICS["balanced_accuracy"]) == 1.0
    assert class_power("multiclass", METRICS["log_loss"]) == 0.0
    assert class_power("binary", METRICS["f1"]) == 0.0
