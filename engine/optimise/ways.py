"""How each variant is made. All take a `Maker`, and raise VariantRefused where a way gives nothing for this model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from onnx import ModelProto

from engine.errors import BadCalibration
from engine.features import FeaturePlan
from engine.models.base import Floats
from engine.models.network import Network
from engine.optimise.compose import compose
from engine.optimise.core import Core, core_feeds
from engine.optimise.equalise import equalise
from engine.optimise.errors import VariantRefused
from engine.optimise.export_core import core_of
from engine.optimise.fallback import Guarded, quantise_guarded
from engine.optimise.making import AT_ONCE, Made, Maker, NotNeeded, Way
from engine.optimise.quantise import portability, quantise_dynamic, quantise_weights
from engine.optimise.retraining import pruned_networks, quantisation_aware_networks, sparse_networks, student_of
from engine.serving.runtime import Feeds
from engine.serving.runtime_spec import MembersRuntimeSpec, TorchMode
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

Change = Callable[[ModelProto], ModelProto]


def eager(_: Maker) -> Made:
    """The members as they are."""
    return Made(members=MembersRuntimeSpec())


def compiled(_: Maker) -> Made:
    """Networks through torch.compile, when the package is loaded."""
    return Made(members=MembersRuntimeSpec(mode="compile"))


def bf16(_: Maker) -> Made:
    """Networks in 16-bit brain floats."""
    return Made(members=MembersRuntimeSpec(mode="bf16"))


def cuda(mode: TorchMode) -> Way:
    """Networks on the GPU, in a mode of torch."""

    def way(_: Maker) -> Made:
        return Made(members=MembersRuntimeSpec(mode=mode, device="cuda"))

    return way


def onnx(maker: Maker) -> Made:
    """All members in one graph that answers as they do."""
    composed = maker.composed({})
    cores = [maker.core(place) for place in range(len(maker.source.members))]
    notes = dict.fromkeys([f"exported by {core.exporter}" for core in cores])
    notes |= dict.fromkeys(note for core in cores for note in core.notes)
    return Made(composed=composed, notes=(*notes, *_split(composed.split)), exact=True)


def int8_dynamic(maker: Maker) -> Made:
    """Weights in 8 bits, activations quantised as they come."""
    return _changed(maker, quantise_dynamic, _portable())


def int8_weights(maker: Maker) -> Made:
    """Large linear layers with weights in 8 bits."""
    return _changed(maker, quantise_weights, ())


def int8_static(maker: Maker) -> Made:
    """Weights and activations in 8 bits, by calibration rows; equalised or partly left alone where that is needed."""
    found = _static(maker)
    cores = {place: replace(maker.core(place), model=guarded.model) for place, guarded in found.items()}
    return Made(composed=maker.composed(cores), notes=_steps(found.values()))


def int8_qat(maker: Maker) -> Made:
    """As static, after training that knew of the rounding.

    Raises:
        NotNeeded: static quantisation loses nothing that matters.
    """
    try:
        found = _static(maker)
        if all(guarded.plain for guarded in found.values()):
            raise NotNeeded("Not needed: quantised as it is, the model keeps within the guard.")
    except NotNeeded:
        raise
    except (BadCalibration, VariantRefused):
        pass  # what it is for
    cores = {place: core_with(maker, place, network) for place, network in quantisation_aware_networks(maker).items()}
    return _quantised(maker, cores)


def pruned(maker: Maker) -> Made:
    """The units that matter least taken out, trained again."""
    networks, notes = pruned_networks(maker)
    return Made(composed=maker.composed(_cores(maker, networks)), notes=tuple(notes))


def pruned_int8(maker: Maker) -> Made:
    """The pruned one with weights and activations in 8 bits."""
    networks, notes = pruned_networks(maker)
    made = _quantised(maker, _cores(maker, networks))
    return replace(made, notes=(*notes, *made.notes))


def sparse(maker: Maker) -> Made:
    """Small weights set to zero: the file is packed, and the answers take as long as before."""
    networks, notes = sparse_networks(maker)
    return Made(composed=maker.composed(_cores(maker, networks)), notes=tuple(notes), packed=True)


def student(maker: Maker) -> Made:
    """A smaller network that learned the model's answers."""
    member, notes = student_of(maker)
    core = core_of(member.model, member.plan)
    composed = compose([(member.plan, core, 1.0)], regression=maker.source.regression)
    return Made(composed=composed, notes=(*notes, *_split(composed.split)))


def student_int8(maker: Maker) -> Made:
    """The student with weights and activations in 8 bits."""
    member, notes = student_of(maker)
    core = core_of(member.model, member.plan)
    guarded = _guarded(maker, core, member.plan, lambda answers: answers, new=True)
    composed = compose([(member.plan, replace(core, model=guarded.model), 1.0)], regression=maker.source.regression)
    return Made(composed=composed, notes=(*notes, *guarded.steps))


WAYS: Mapping[str, Way] = {
    "eager": eager,
    "compile": compiled,
    "bf16": bf16,
    "onnx": onnx,
    "onnx-int8-dynamic": int8_dynamic,
    "onnx-int8-static": int8_static,
    "onnx-int8-qat": int8_qat,
    "onnx-int8-weights": int8_weights,
    "pruned": pruned,
    "pruned-int8": pruned_int8,
    "cuda": cuda("eager"),
    "cuda-bf16": cuda("bf16"),
    "cuda-compile": cuda("compile"),
    "sparse": sparse,
    "student": student,
    "student-int8": student_int8,
}


def core_with(maker: Maker, place: int, network: Network) -> Core:
    """The core of the member at `place` with another network."""
    member = maker.source.members[place]
    return core_of(replace(member.model, inner=network), member.plan)


def core_answers(model: ModelProto, feeds: Sequence[Feeds], *, regression: bool) -> Floats:
    """What a core answers to some batches, (n,) for regression, else (n, classes)."""
    session = open_session(model.SerializeToString(), SessionSettings())
    answers = np.concatenate([np.asarray(session.run(None, some)[0], dtype=np.float64) for some in feeds])
    return answers[:, 0] if regression else answers


def feeds_in_batches(plan: FeaturePlan, rows: pd.DataFrame) -> list[Feeds]:
    """What a core takes for these rows, some at a time."""
    return [
        core_feeds(plan.transform(rows.iloc[start : start + AT_ONCE]), plan.layout)
        for start in range(0, len(rows), AT_ONCE)
    ]


def _changed(maker: Maker, change: Change, notes: Sequence[str]) -> Made:
    """All members, the networks' cores changed; equalised before, where the guard refuses them as they are."""
    cores = {place: maker.core(place) for place in maker.source.networks}
    found = {place: replace(core, model=change(core.model)) for place, core in cores.items()}
    if not _holds(maker, found):
        equal = {place: equalise(core.model) for place, core in cores.items()}
        pairs = sum(count for _, count in equal.values())
        again = {place: replace(cores[place], model=change(model)) for place, (model, _) in equal.items()}
        if pairs and _holds(maker, again):
            found, notes = (
                again,
                (*notes, f"{pairs} pair(s) of layers equalised before: it lost too much without"),
            )
    return Made(composed=maker.composed(found), notes=tuple(notes))


def _holds(maker: Maker, cores: Mapping[int, Core]) -> bool:
    """Whether the whole model keeps within the guard with these cores."""
    parts = list(maker.parts)
    for place, core in cores.items():
        feeds = feeds_in_batches(maker.source.members[place].plan, maker.rows.guard)
        parts[place] = core_answers(core.model, feeds, regression=maker.source.regression)
    return maker.holds(maker.source.mixed(parts))


def _cores(maker: Maker, networks: Mapping[int, Network]) -> dict[int, Core]:
    return {place: core_with(maker, place, network) for place, network in networks.items()}


def _static(maker: Maker) -> dict[int, Guarded]:
    """Each network's core quantised, by its place; computed once, also where it was refused."""
    kept = maker.memory.get("static")
    if kept is None:
        try:
            kept = {place: _guarded_member(maker, maker.core(place), place) for place in maker.source.networks}
        except (BadCalibration, VariantRefused) as error:
            kept = error
        maker.memory["static"] = kept
    if isinstance(kept, Exception):
        raise kept
    found: dict[int, Guarded] = kept
    return found


def _quantised(maker: Maker, cores: Mapping[int, Core]) -> Made:
    found = {place: _guarded_member(maker, core, place) for place, core in cores.items()}
    changed = {place: replace(cores[place], model=guarded.model) for place, guarded in found.items()}
    return Made(composed=maker.composed(changed), notes=_steps(found.values()))


def _guarded_member(maker: Maker, core: Core, place: int) -> Guarded:
    def mixed(answers: Floats) -> Floats:
        parts = list(maker.parts)
        parts[place] = answers
        return maker.source.mixed(parts)

    return _guarded(maker, core, maker.source.members[place].plan, mixed)


def _guarded(
    maker: Maker, core: Core, plan: FeaturePlan, mixed: Callable[[Floats], Floats], *, new: bool = False
) -> Guarded:
    """A core quantised so that the whole model keeps within the guard."""
    guard, calibration = feeds_in_batches(plan, maker.rows.guard), feeds_in_batches(plan, maker.calibration)

    def judge(model: ModelProto) -> bool:
        return maker.holds(mixed(core_answers(model, guard, regression=maker.source.regression)), new=new)

    return quantise_guarded(core.model, calibration, judge, maker.means.control)


def _steps(found: Iterable[Guarded]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(step for guarded in found for step in guarded.steps), *_portable())))


def _split(words: str) -> tuple[str, ...]:
    return (words,) if words else ()


def _portable() -> tuple[str, ...]:
    """What to know before an 8-bit model is taken to another machine."""
    said = portability()
    return (said,) if said else ()
