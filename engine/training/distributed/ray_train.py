"""The same job under Ray Train, which finds its processes a place on several machines. Ray is the extra `ray`."""

import threading
from collections.abc import Callable
from pathlib import Path

from engine.environment import LIBRARY_DEFAULTS
from engine.errors import BadArguments
from engine.training.clock import never
from engine.training.distributed.failure import Failure, failed
from engine.training.distributed.following import follow
from engine.training.distributed.group import backend_of, own_rank, process_group
from engine.training.distributed.job import FitJob
from engine.training.distributed.work import train
from engine.training.events import Listener, unheard
from engine.training.spec import DistributedSpec, FitReport


def fit_on_ray(
    job: FitJob, spec: DistributedSpec, *, listener: Listener = unheard, stop: Callable[[], bool] = never
) -> FitReport:
    """Train `job`, which has begun, in `spec.world` processes of the Ray cluster at `spec.ray_address`.

    The machines need this package, and have to see the job's folder at the same path. Each process has one thread:
    Ray leaves OMP_NUM_THREADS to torch's default otherwise, which is all cores for each of them. Who can reach the
    ports of a Ray cluster can run code on it: keep it in a network of its own.

    Raises:
        BadArguments: no address, or Ray is not installed.
        ProcessesFailed, JobFailed: as `launch`.
    """
    if spec.ray_address is None:
        raise BadArguments("Ray Train needs the address of a cluster.", "Give ray_address, or leave Ray out.")
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer
    except ImportError as error:
        raise BadArguments("Ray Train is not installed.", "Install it with: pip install 'millwright[ray]'.") from error
    backend = backend_of(spec)
    trainer = TorchTrainer(
        _each,
        train_loop_config={"folder": str(job.folder)},
        scaling_config=ScalingConfig(num_workers=spec.world, use_gpu="nccl" in backend),
        torch_config=TorchConfig(backend=backend, timeout_s=int(spec.timeout_seconds)),
        run_config=RunConfig(name="run", storage_path=str(job.folder / "ray")),
    )
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": LIBRARY_DEFAULTS["OMP_WAIT_POLICY"]}
    errors: list[Exception] = []
    with ray.init(address=spec.ray_address, runtime_env={"env_vars": threads}, log_to_driver=False):
        fitting = threading.Thread(target=_run, args=(trainer.fit, errors), name="ray-train")
        fitting.start()
        try:
            follow(lambda: not fitting.is_alive(), job, listener, stop)
        finally:
            job.stop.touch()  # of no effect but where the caller's listener has failed
            fitting.join()
    report = job.report()
    if errors or report is None:
        raise failed(job.folder, job.log, spec.world) from (errors[0] if errors else None)
    return report


def _run(call: Callable[[], object], errors: list[Exception]) -> None:
    try:
        call()
    except Exception as error:  # Ray's own, for whatever a process died of
        errors.append(error)


def _each(config: dict[str, str]) -> None:
    """What each of Ray's processes does; the process group is there already."""
    job = FitJob(Path(config["folder"]))
    try:
        with process_group(job.distributed()) as group:
            train(job, job.distributed(), group)
    except Exception as error:
        Failure.of(error, own_rank()).write(job.folder)
        raise
