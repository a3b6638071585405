"""The policy: what it says by default, kept as YAML and edited by hand, every wrong value named."""

from pathlib import Path

import pytest

from engine.drift.levels import Level
from engine.drift.policy import Alerting, Alpha, MetricThresholds, Policy, Thresholds
from engine.errors import BadArguments


def loaded(folder: Path, text: str) -> Policy:
    path = folder / "policy.yaml"
    path.write_text(text)
    return Policy.load(path)


def test_a_policy_is_the_same_after_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    for policy in (Policy(), Policy(alpha=Alpha(yellow=0.01), alerts=Alerting(red=("email",), repeat_hours=0.5))):
        policy.save(path)
        assert Policy.load(path) == policy


def test_a_value_edited_in_the_file_holds_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    Policy().save(path)
    text = path.read_text()
    assert text.count("drop: 0.1") == 1
    path.write_text(text.replace("drop: 0.1", "drop: 0.25"))
    default = Policy()
    assert Policy.load(path) == default.model_copy(
        update={"retrain": default.retrain.model_copy(update={"drop": 0.25})}
    )


def test_what_the_file_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Policy()
    assert loaded(tmp_path, "retrain: {features: 7}\n").retrain.features == 7
    assert loaded(tmp_path, "retrain: {features: 7}\n").retrain.windows == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alpha: {yellow: 2}", r"alpha\.yellow: .*less than 1"),
        ("alpha: {red: 0.01}", "alpha: .*falls from yellow to red"),
        ("alpha: 3", "alpha: "),
        ("thresholds: {ks: {yellow: 0.3, orange: 0.2, red: 0.5}}", r"thresholds\.ks: .*rise from yellow to red"),
        ("thresholds: {ks: {yellow: -1, orange: 0, red: 1}}", r"thresholds\.ks: .*not negative"),
        ("thresholds: {ks: {yellow: 0.1, orange: 0.2}}", r"thresholds\.ks\.red: .*required"),
        ("thresholds: {psi: {yellow: .nan, orange: 1, red: 2}}", r"thresholds\.psi\.yellow: .*finite"),
        ("thresholds: {psi: {yellow: 0, orange: 1, red: .inf}}", r"thresholds\.psi\.red: .*finite"),
        ("thresholds: {kss: {yellow: 0, orange: 1, red: 2}}", r"thresholds\.kss: "),
        ("actions: {red: {name: explode}}", r"actions\.red\.name: .*'roll_back_and_retrain'"),
        ("actions: {red: {name: go_on, due_hours: -1}}", r"actions\.red\.due_hours: .*greater"),
        ("actions: {red: {name: go_on, due_hours: 1.0e+12}}", r"actions\.red\.due_hours: .*8784"),
        ("retrain: {features: 0}", r"retrain\.features: "),
        ("retrain: {drop: 0}", r"retrain\.drop: "),
        ("retrain: {windows: many}", r"retrain\.windows: .*integer"),
        ("alerts: {red: [fax]}", r"alerts\.red\.0: .*'slack'"),
        ("alerts: {repeat_hours: .inf}", r"alerts\.repeat_hours: .*finite"),
        ("alerts: {most_per_hour: 0}", r"alerts\.most_per_hour: "),
        ("levels: 4", "levels: "),
        ("- a list", "the file: "),
    ],
)
def test_every_wrong_value_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadArguments, match=rf"policy\.yaml' is no policy: {words}"):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["[1, 2", "\x01", "[" * 1_000, "!!python/object/apply:os.getcwd []", "a: b: c"], ids=range(5)
)
def test_what_is_no_yaml_is_refused_and_never_run(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadArguments, match="cannot be read"):
        loaded(tmp_path, text)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(bytes(range(128, 256)))
    for path in (tmp_path / "bytes.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(BadArguments, match="cannot be read"):
            Policy.load(path)


def test_a_level_needs_both_a_size_and_a_p_value() -> None:
    sizes, policy = Thresholds(yellow=0.1, orange=0.2, red=0.3), Policy()
    assert [sizes.level(value) for value in (0.09, 0.1, 0.2, 0.3)] == ["GREEN", "YELLOW", "ORANGE", "RED"]
    assert [policy.alpha.level(p) for p in (0.06, 0.05, 0.005, 0.001)] == ["GREEN", "YELLOW", "ORANGE", "RED"]


def test_the_default_thresholds_are_those_of_the_request() -> None:
    thresholds, actions = MetricThresholds(), Policy().actions
    assert (thresholds.psi.yellow, thresholds.psi.orange, thresholds.psi.red) == (0.10, 0.15, 0.25)
    assert [actions.of(level).due_hours for level in Level] == [None, None, 48, 0]
    assert [actions.of(level).name for level in Level] == [
        "go_on", "watch_closer", "prepare_retraining", "roll_back_and_retrain",
    ]  # fmt: skip


def test_each_level_has_its_channels_and_green_has_none() -> None:
    alerts = Alerting()
    assert alerts.channels(Level.GREEN) == ()
    assert set(alerts.channels(Level.YELLOW)) < set(alerts.channels(Level.ORANGE)) < set(alerts.channels(Level.RED))
    assert "pagerduty" not in alerts.channels(Level.ORANGE)
