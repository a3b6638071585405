import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.database import unsynced
from engine.errors import BadChoice, HomeNotWritable, NotFound
from engine.registry import Registry
from engine.registry_index import Index
from engine.tracking import mlflow_name
from tests.postgres import own_schema


@pytest.fixture(scope="module")
def mlflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose MLflow database exists: making one takes seconds."""
    home = tmp_path_factory.mktemp("registry")
    Registry(home).open()
    return home


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    return folder


def register(registry: Registry, package: Path, name: str, number: int) -> str:
    return registry.register(package, name=name, run_id=f"run_{name}{number}", model_id=f"mdl_{name}{number}").model_id


def test_registering_twice_gives_one_version(mlflow_home: Path, package: Path) -> None:
    registry = Registry(mlflow_home)
    first = registry.register(package, name="twice", run_id="run_t", model_id="mdl_t")
    again = Registry(mlflow_home).register(package, name="twice", run_id="run_t", model_id="mdl_t")
    assert again == first
    assert (first.name, first.version, first.aliases) == ("twice", 1, ())


def test_a_second_model_of_the_same_name_is_the_next_version_and_what_the_name_means(
    mlflow_home: Path, package: Path
) -> None:
    registry = Registry(mlflow_home)
    register(registry, package, "next", 1)
    register(registry, package, "next", 2)
    assert registry.get("next").model_id == "mdl_next2"
    assert registry.get("next@1").model_id == "mdl_next1"
    assert [r.version for r in registry.list() if r.name == "next"] == [2, 1]


def test_promoting_moves_the_alias_and_says_who_lost_it(mlflow_home: Path, package: Path) -> None:
    registry = Registry(mlflow_home)
    register(registry, package, "alias", 1)
    register(registry, package, "alias", 2)
    assert registry.promote("mdl_alias1", "champion")[1] is None
    record, lost = registry.promote("mdl_alias2", "champion")
    assert (record.aliases, lost) == (("champion",), "mdl_alias1")
    assert registry.promote("mdl_alias2", "champion")[1] is None
    assert registry.get("alias@champion").model_id == "mdl_alias2"
    assert registry.get("mdl_alias1").aliases == ()


def test_mlflow_knows_the_version_its_files_and_its_alias(mlflow_home: Path, package: Path) -> None:
    from mlflow import MlflowClient

    registry = Registry(mlflow_home)
    register(registry, package, "public", 1)
    registry.promote("mdl_public1", "champion")
    uri = f"sqlite:///{mlflow_home / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    version = client.get_model_version_by_alias("public", "champion")
    assert version.tags["millwright.model_id"] == "mdl_public1"
    assert version.tags["millwright.run_id"] == "run_public1"
    assert [f.path for f in client.list_artifacts(version.run_id, "package")] == ["package/model.json"]


def test_a_run_logged_again_gains_what_is_new_and_repeats_nothing(mlflow_home: Path) -> None:
    from mlflow import MlflowClient

    registry = Registry(mlflow_home)
    many = {f"validation.m{i}": i / 10 for i in range(250)}
    params: dict[str, object] = {"seed": 0, "drop (columns)": "<a>" * 5_000}
    first = registry.log_run("run_log", dataset="ds_1", params=params, metrics=many)
    second = registry.log_run("run_log", dataset="ds_1", params={**params, "trials": 2}, metrics={**many, "auc": 0.9})
    uri = f"sqlite:///{mlflow_home / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    run = client.get_run(first)
    assert first == second
    assert (run.info.status, run.data.tags["millwright.dataset"], run.data.params["trials"]) == (
        "FINISHED",
        "ds_1",
        "2",
    )
    assert run.data.metrics == {**many, "auc": 0.9}
    assert len(client.get_metric_history(first, "validation.m3")) == 1


def test_lookups_do_not_import_mlflow(mlflow_home: Path, package: Path) -> None:
    register(Registry(mlflow_home), package, "light", 1)
    code = """
        import sys
        from pathlib import Path
        from engine.registry import Registry
        registry = Registry(Path(sys.argv[1]))
        assert registry.get("light").package.is_dir()
        registry.record_look("ds_light", "mdl_light1", "evaluate")
        heavy = {"mlflow", "alembic", "sklearn", "pandas"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(mlflow_home)], check=True)


def test_opening_mlflow_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    code = "import sys, pathlib, engine.registry as r; r.Registry(pathlib.Path(sys.argv[1])).open()"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_killed_between_mlflow_and_the_index_the_next_call_finds_the_version(mlflow_home: Path, package: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from engine.registry import Registry
        from engine.registry_index import Index, IndexRow

        class PowerCut(Index):
            def add(self, row: IndexRow) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

        home = Path(sys.argv[1])
        index = PowerCut(f"sqlite:///{home / 'registry.db'}", home)
        Registry(home, index=index).register(Path(sys.argv[2]), name="cut", run_id="run_cut", model_id="mdl_cut")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(mlflow_home), str(package)], check=False)
    assert done.returncode == -9
    registry = Registry(mlflow_home)
    with pytest.raises(NotFound):
        registry.get("mdl_cut")
    assert registry.register(package, name="cut", run_id="run_cut", model_id="mdl_cut").version == 1
    assert register(registry, package, "cut", 2) == "mdl_cut2"
    assert registry.get("cut").version == 2


def test_killed_while_mlflow_makes_its_database_the_next_start_makes_it_anew(tmp_path: Path) -> None:
    code = "import sys, pathlib, engine.registry as r; r.Registry(pathlib.Path(sys.argv[1])).open()"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    half = tmp_path / ".mlflow.db.new"
    while not (half.exists() and half.stat().st_size > 200_000) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (tmp_path / "mlflow.db").exists()
    registry = Registry(tmp_path)
    registry.log_run("run_1", dataset="ds_1", params={}, metrics={"auc": 0.9})
    assert not half.exists()


def test_a_home_can_be_moved(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "models" / "mdl_1").mkdir(parents=True)
    register(Registry(old), old / "models" / "mdl_1", "moved", 1)
    old.rename(new)
    assert Registry(new).get("moved").package == new / "models" / "mdl_1"


def test_unknown_models_aliases_and_versions_are_named_with_what_there_is(mlflow_home: Path, package: Path) -> None:
    registry = Registry(mlflow_home)
    register(registry, package, "known", 1)
    with pytest.raises(NotFound, match=r"There is no model 'knwon'\. .* Did you mean 'known'\?"):
        registry.get("knwon")
    with pytest.raises(NotFound, match="'known' has: 1; 'champion' is none of them"):
        registry.get("known@champion")
    with pytest.raises(NotFound, match="'known' has: 1; '9' is none of them"):
        registry.get("known@9")
    with pytest.raises(BadChoice, match="Did you mean 'champion'"):
        registry.promote("known", "champoin")


def test_an_empty_registry_lists_nothing_and_says_so(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.list() == []
    with pytest.raises(NotFound, match="There is no model yet"):
        registry.get("churn")


def test_a_home_below_a_file_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable):
        Registry(tmp_path / "file" / "home").list()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("churn-Churn", "churn-Churn"),
        ("a/b:c d@e", "a-b-c-d-e"),
        ("Kündigung", "Kündigung"),
        ("../../etc", "etc"),
        ("mdl_1", "model-mdl_1"),
        ("///", "model-"),
        ("x" * 500, "x" * 200),
    ],
)
def test_names_are_cleaned_for_mlflow(name: str, expected: str) -> None:
    assert mlflow_name(name) == expected


def test_any_name_can_be_registered_and_found_by_its_id(mlflow_home: Path, package: Path) -> None:
    registry = Registry(mlflow_home)
    record = registry.register(package, name="a/b: c@d", run_id="run_odd", model_id="mdl_odd")
    assert registry.get(record.name).model_id == "mdl_odd"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.backend)])
def index_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    with own_schema(request.getfixturevalue("postgres_url"), "registry") as url:
        yield url


class TestIndex:
    """One behaviour on both databases."""

    def test_a_look_counts_once_for_each_model_and_purpose(self, index_url: str, tmp_path: Path) -> None:
        index = Index(index_url, tmp_path)
        assert index.looks("ds_1") == 0
        assert index.record_look("ds_1", "mdl_1", "train") == 1
        assert index.record_look("ds_1", "mdl_1", "train") == 1
        assert index.record_look("ds_1", "mdl_1", "evaluate") == 2
        assert index.record_look("ds_1", "mdl_2", "train") == 3
        assert Index(index_url, tmp_path).looks("ds_1") == 3
        assert index.looks("ds_2") == 0

    def test_models_and_aliases_are_read_back(self, index_url: str, tmp_path: Path, package: Path) -> None:
        tracking = f"sqlite:///{tmp_path / 'mlflow.db'}" if index_url.startswith("sqlite") else index_url
        registry = Registry(tmp_path, tracking, index=index_url)
        for number in (1, 2):
            register(registry, package, "both", number)
        registry.promote("both@1", "challenger")
        again = Registry(tmp_path, tracking, index=index_url)
        assert again.get("both@challenger").model_id == "mdl_both1"
        assert [r.version for r in again.list()] == [2, 1]
        assert again.register(package, name="both", run_id="run_both1", model_id="mdl_both1").version == 1


def test_two_processes_that_count_looks_at_once_lose_none(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from engine.registry import Registry
        for number in range(20):
            Registry(Path(sys.argv[1])).record_look("ds", sys.argv[2], str(number))
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    workers = [subprocess.Popen([*arguments, name]) for name in ("a", "b")]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert Registry(tmp_path).looks("ds") == 40


def test_only_the_database_that_is_being_made_is_filled_without_waiting_for_the_disk(tmp_path: Path) -> None:
    def synchronous(name: str) -> int:
        engine = sa.create_engine(f"sqlite:///{tmp_path / name}", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text("CREATE TABLE IF NOT EXISTS t (a)"))
            return int(connection.execute(sa.text("PRAGMA synchronous")).scalar_one())

    with unsynced(tmp_path / "new.db"):
        assert synchronous("new.db") == 0
        assert synchronous("other.db") == 2
    assert synchronous("new.db") == 2


def test_rolling_back_undoes_promotions_one_by_one_and_forgets_those_taken_back(
    mlflow_home: Path, package: Path
) -> None:
    registry = Registry(mlflow_home)
    for number in (1, 2, 3):
        register(registry, package, "back", number)
        registry.promote(f"mdl_back{number}", "champion")
    registry.promote("mdl_back3", "champion")  # again: nothing to undo by itself
    assert registry.roll_back("back") == (registry.get("mdl_back2"), "mdl_back3")
    previous = registry.previous("back")
    assert previous is not None
    assert previous.model_id == "mdl_back1"
    registry.promote("mdl_back3", "champion")
    assert registry.roll_back("back")[0].model_id == "mdl_back2"
    assert registry.roll_back("back")[0].model_id == "mdl_back1"
    assert registry.get("back@champion").model_id == "mdl_back1"
    assert registry.previous("back") is None


def test_a_first_champion_cannot_be_rolled_back(mlflow_home: Path, package: Path) -> None:
    registry = Registry(mlflow_home)
    register(registry, package, "firstchamp", 1)
    registry.promote("mdl_firstchamp1", "champion")
    with pytest.raises(NotFound, match="promoted over another"):
        registry.roll_back("firstchamp")
    assert registry.get("firstchamp@champion").model_id == "mdl_firstchamp1"
