"""A job under Ray Train."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import BadArguments
from engine.training.distributed.ray_train import fit_on_ray
from engine.training.spec import DistributedSpec
from tests.engine.training.distributed.small_job import SPEC, small_job

HAVE_RAY = importlib.util.find_spec("ray") is not None
# Ray's services listen on all of a machine's networks, so that the cluster gets a network of its own
APART = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
SCRIPT = Path(__file__).with_name("ray_loopback.py")


@pytest.mark.skipif(HAVE_RAY, reason="Ray is installed")
def test_without_ray_its_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match=r"millwright\[ray\]"):
        fit_on_ray(small_job(tmp_path, SPEC), DistributedSpec(strategy="ddp", ray_address="127.0.0.1:6379"))


def test_without_an_address_ray_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match="needs the address of a cluster"):
        fit_on_ray(small_job(tmp_path, SPEC), DistributedSpec(strategy="ddp", processes=2))


@pytest.mark.slow
@pytest.mark.skipif(not HAVE_RAY, reason="Ray is not installed (the extra millwright[ray])")
def test_a_job_on_a_ray_cluster_is_heard_stopped_and_ends_like_one_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if shutil.which("unshare") is None or subprocess.run([*APART, "true"], check=False).returncode != 0:
        pytest.skip("this machine does not let the test make a network of its own for Ray (unshare --net)")
    folder = tmp_path_factory.mktemp("ray")
    subprocess.run([*APART, sys.executable, str(SCRIPT), str(folder)], check=True)
    facts = json.loads((folder / "facts.json").read_bytes())
    assert facts["ended"] == "done"
    assert facts["steps"] == [1, 2, 3, 4, 5]
    assert facts["weights"] < 1e-5
    assert facts["stopped"] == "stopped"
    assert facts["code"] == "loss_not_finite"
