"""From a `DistributedSpec` to the `Parallel` that the training loop asks for."""

from engine.errors import BadArguments
from engine.training.distributed.group import Group
from engine.training.parallel import Alone, Parallel
from engine.training.spec import DistributedSpec, FitSpec


def check_together(fit: FitSpec, spec: DistributedSpec) -> None:
    """Raises BadArguments when a training cannot be spread as asked for, with what can be done instead."""
    if spec.strategy == "none" and spec.world > 1:
        raise BadArguments(
            f"{spec.world} processes without a strategy would each train the same.",
            "Choose 'ddp', 'fsdp' or 'pipeline', or one process.",
        )
    if spec.nodes > 1 and (spec.address is None or ":" not in spec.address):
        raise BadArguments(
            f"{spec.nodes} machines need an address to meet at, not {spec.address!r}.",
            "Give HOST:PORT of the first machine.",
        )
    if spec.strategy == "pipeline":
        _check_pipeline(fit)


def _check_pipeline(fit: FitSpec) -> None:
    """What the stages would have to agree upon in every step, and do not."""
    wishes = {
        "precision 'fp16'": fit.precision == "fp16",
        "a time limit (seconds)": fit.seconds is not None,
        "compile": fit.compile,
    }
    for wish, given in wishes.items():
        if given:
            raise BadArguments(
                f"A pipeline does not go together with {wish}.",
                "Use precision 'bf16' or 'fp32', epochs or max_steps, and no compile; or the strategy 'fsdp'.",
            )


def parallel_of(spec: DistributedSpec, group: Group) -> Parallel:
    """The `Parallel` of a strategy that splits rows; a pipeline is built from its model (see `pipeline`)."""
    if spec.strategy == "ddp":
        from engine.training.distributed.data_parallel import DataParallel

        return DataParallel(group)
    if spec.strategy == "fsdp":
        from engine.training.distributed.sharded import Sharded  # loads much of torch that DDP does not need

        return Sharded(group, offload=spec.offload)
    return Alone()
