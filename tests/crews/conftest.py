"""The environment of a crew's process: the helpers beside these tests importable, no HOME, no network."""

import os
from pathlib import Path
from typing import Any

import pytest

from agents.loopback import serve
from agents.script import call, say
from crews.process import run_in_crew_process
from engine.errors import JobFailed

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """`offline/` holds a sitecustomize, which every Python process loads first: it refuses all but loopback."""
    found = os.pathsep.join((str(HERE), str(HERE / "offline"), os.environ["PYTHONPATH"]))
    return dict(os.environ) | {"PYTHONPATH": found, "HOME": "/proc/nohome"}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, Any]:
    """Every scene of `scenes.py`, played in one process, since loading CrewAI takes seconds: result or error by name.

    The scene 'killed' goes on with a crew run whose process was killed while the model was tested. 'told' are the
    events, 'outside' the files that appeared in the working folder, 'requests' and 'keys' what the server of the scene
    over HTTP was sent.
    """
    root = tmp_path_factory.mktemp("crew")
    told: list[dict[str, object]] = []
    (root / "killed").mkdir()
    (root / "killed" / "kill").write_text("test")
    with pytest.raises(JobFailed, match="code -9"):
        run_in_crew_process("child:develops", {"home": str(root / "killed")}, home=root, environment=environment)
    here = set(Path.cwd().rglob("*"))
    script = [call("profile_dataset", dataset="ds_small", target="y"), say("40 rows."), say("Still 40 rows.")]
    script += [say(words) for task in ("train", "test", "deploy") for words in (f"I cannot {task}.", "Nor now.")]
    with serve(script) as server:
        scenes = run_in_crew_process(
            "scenes:play",
            {"root": str(root), "base_url": server.base_url},
            home=root,
            environment=environment,
            tell=told.append,
        )
    outside = sorted(str(path) for path in set(Path.cwd().rglob("*")) - here)
    served = {"requests": server.requests, "keys": server.keys}
    return {**scenes, **served, "told": told, "outside": outside, "root": str(root)}
