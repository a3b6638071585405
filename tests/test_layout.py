"""The house: where packages come from, who may import whom, what stays light."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.environment import LIBRARY_DEFAULTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ["engine", "tools", "rag", "agents", "graphs", "crews", "api", "web", "millwright"]
HEAVY = {"torch", "langchain", "langchain_core", "langgraph", "crewai", "mlflow"}
ENGINE_FORBIDS = {"langchain", "langchain_core", "langgraph", "crewai", "fastapi", "openai", "dbos"}


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level names in sys.modules after `statement` ran in a fresh interpreter."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def engine_modules() -> list[str]:
    files = sorted((ROOT / "engine").rglob("*.py"))
    dotted = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in dotted]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_top_level_package_resolves_to_this_checkout(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == ROOT / package / "__init__.py"


def test_the_import_floors_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_floors_are_broken_when_the_engine_imports_the_tools(tmp_path: Path) -> None:
    config = (ROOT / "pyproject.toml").read_text()
    assert config.count("[[tool.importlinter.contracts]]") >= 3
    upside_down = config.replace('    "tools | rag",\n    "engine",', '    "engine",\n    "tools | rag",')
    broken = tmp_path / "pyproject.toml"
    broken.write_text(upside_down)
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache", "--config", broken], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr


def test_the_whole_engine_loads_no_agent_or_web_library() -> None:
    statement = "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in engine_modules())
    assert not modules_loaded_by(statement) & ENGINE_FORBIDS


def test_importing_millwright_loads_no_heavy_library() -> None:
    assert not modules_loaded_by("import millwright") & HEAVY


def test_importing_any_package_sets_the_library_switches_first() -> None:
    # this process has set them for itself; a fresh one must not inherit them
    bare = {name: value for name, value in os.environ.items() if name not in LIBRARY_DEFAULTS}
    for package in PACKAGES:
        script = f"import {package}, os; print(os.environ['LANGGRAPH_STRICT_MSGPACK'], os.environ['OMP_WAIT_POLICY'])"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, env=bare
        )
        assert done.stdout.split() == ["true", "PASSIVE"], package


def test_errors_that_another_argument_mends_are_where_jobs_read_them_back() -> None:
    elsewhere = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path != ROOT / "engine" / "errors.py" and re.search(r"^class \w+\(Fixable\)", path.read_text(), re.MULTILINE)
    ]
    assert elsewhere == []
