"""Fixtures of the command's tests."""

from pathlib import Path

import pytest

from tests.cli.running import Millwright, Trained, runner, table_text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the home will be; nothing is there yet."""
    return tmp_path / "home"


@pytest.fixture
def millwright(tmp_path: Path, home: Path) -> Millwright:
    """`millwright("data", "list", "--json")` in an empty folder with an empty home."""
    return runner(home, tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    table = folder / "clients.csv"
    table.write_text(table_text())
    run = runner(folder / "home", folder)
    work = ("--models", "linear", "--max-models", "2")
    done = run("train", "--data", str(table), "--target", "left", *work, "--json")
    assert done.code == 0, done.err
    return Trained(run, folder / "home", table, done.document)
