import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import BadArguments, HomeNotWritable, NotFound
from engine.monitoring.records import Monitor, MonitorChange, WindowSpec
from engine.monitoring.store import Monitors
from tests.engine.monitoring.logged import START, log, names

ROWS = WindowSpec(rows=20)


def test_a_monitor_is_found_by_its_id_and_by_its_name(store: Monitors) -> None:
    made = store.create(
        model="churn-Churn", reference="mdl_1", window=ROWS, name="my churn", schedule="*/5 * * * *", retrain="never"
    )
    assert store.get(made.id) == store.get("my churn") == made
    assert (made.schedule, made.retrain, made.paused, len(made.id)) == ("*/5 * * * *", "never", False, 16)


def test_without_a_name_it_has_that_of_its_model_and_a_number_when_that_is_taken(store: Monitors) -> None:
    made = [store.create(model="churn-Churn", reference="mdl_1", window=ROWS).name for _ in range(3)]
    assert made == ["churn-Churn", "churn-Churn-2", "churn-Churn-3"]
    assert [monitor.name for monitor in store.list()] == made


def test_a_name_that_is_taken_is_refused(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(BadArguments, match="There is a monitor 'churn-Churn' already"):
        store.create(model="other", reference="mdl_1", window=ROWS, name=monitor.name)


def test_an_unknown_monitor_is_refused_with_the_nearest_name(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(NotFound, match=r"no monitor 'churn-Chrun'\. .* Did you mean 'churn-Churn'\?"):
        store.get("churn-Chrun")


def test_a_home_sees_its_own_monitors_alone(url: str, monitoring_home: Path, store: Monitors, monitor: Monitor) -> None:
    other = Monitors(url, monitoring_home, "another home")
    assert other.create(model=monitor.model, reference="mdl_1", window=ROWS).name == monitor.name
    with pytest.raises(NotFound):
        other.get(monitor.id)
    other.delete(monitor.name)
    assert store.list() == [monitor]


def test_a_change_leaves_alone_what_it_does_not_name(store: Monitors) -> None:
    made = store.create(model="m", reference="mdl_1", window=ROWS, schedule="0 * * * *")
    changed = store.update("m", MonitorChange(paused=True, reference="mdl_2"))
    assert changed == made.model_copy(update={"paused": True, "reference": "mdl_2"}) == store.get("m")
    assert store.update("m", MonitorChange(schedule=None)).schedule is None
    assert store.update("m", MonitorChange()).paused


def test_a_change_to_nothing_where_there_must_be_something_is_refused(store: Monitors, monitor: Monitor) -> None:
    with pytest.raises(BadArguments, match="reference"):
        store.update(monitor.id, MonitorChange(reference=None))
    assert store.get(monitor.id) == monitor


@pytest.mark.parametrize("bad", [{"name": ""}, {"name": "a\x00"}, {"name": "x" * 251}, {"schedule": "often"}])
def test_values_that_do_not_fit_are_refused_by_name(store: Monitors, bad: dict[str, str]) -> None:
    with pytest.raises(BadArguments, match=rf"No monitor can be made of this: {next(iter(bad))}"):
        store.create(model="m", reference="mdl_1", window=ROWS, **bad)  # type: ignore[arg-type]
    assert store.list() == []


@pytest.mark.parametrize("bad", [{}, {"rows": 19}, {"hours": 0}, {"rows": 20, "hours": 1}, {"hours": float("inf")}])
def test_a_window_has_rows_or_hours(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WindowSpec.model_validate(bad)


def test_a_deleted_monitor_leaves_its_name_and_takes_its_rows_along(store: Monitors, monitor: Monitor) -> None:
    log(store, monitor, names(0, 40))
    store.labels.label(monitor.id, names(0, 40), ["1"] * 40, START)
    store.windows.due(monitor, START)
    assert store.delete(monitor.name) == monitor
    assert store.list() == []
    assert len(store.windows.recent_labelled(monitor.id, 100)) == 0
    assert store.windows.list(monitor.id) == ()
    assert store.create(model=monitor.model, reference="mdl_1", window=ROWS).name == monitor.name


def test_monitors_that_are_made_at_once_all_have_names(url: str, monitoring_home: Path, scope: str) -> None:
    def make(_: int) -> str:
        return Monitors(url, monitoring_home, scope).create(model="m", reference="mdl_1", window=ROWS).name

    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(make, range(5)))
    assert sorted(made) == ["m", "m-2", "m-3", "m-4", "m-5"]


def test_a_home_below_a_file_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable):
        Monitors(f"sqlite:///{tmp_path}/m.db", tmp_path / "file" / "home", "x").list()


def test_opening_the_store_loads_no_numeric_library(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from engine.monitoring.store import Monitors
        from engine.monitoring.rules import should_retrain
        Monitors(f"sqlite:///{sys.argv[1]}/m.db", Path(sys.argv[1]), "x").list()
        heavy = {"numpy", "pandas", "pyarrow", "sklearn", "torch"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], check=True)
