"""Variants whose networks learn on: pruned, sparse, quantisation-aware, and the student. Each is made once."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.special import logit

from engine.automl.fitting import class_weights
from engine.automl.members import Member
from engine.automl.portfolio import class_power
from engine.features import Matrix
from engine.metrics import METRICS
from engine.models.base import Floats, Target
from engine.models.network import Network
from engine.optimise.errors import NothingPruned
from engine.optimise.finetune import fine_tune
from engine.optimise.making import Maker
from engine.optimise.prune import prune
from engine.optimise.qat import quantisation_aware
from engine.optimise.sparse import sparsify
from engine.optimise.student import train_student

SHARES = (0.5, 0.25)
"""Of units taken out by pruning: the larger first, the smaller where the guard refuses that."""
SPARSE_SHARE = 0.7
STUDENT_WIDTH = 48
VALID_SHARE = 0.15
"""Of the rows that are learned from, to end a training by; the guard rows are kept for the verdict."""
SAMPLE_ROWS = 256


@dataclass(frozen=True)
class Lesson:
    """Rows of one member to learn from and to end by; `teacher` are its own answers from before, beside the labels."""

    features: Matrix
    y: Target
    teacher: Floats
    valid: tuple[Matrix, Target]
    weights: Floats | None


def pruned_networks(maker: Maker) -> tuple[dict[int, Network], Sequence[str]]:
    """Every network with as many units taken out as the guard allows, by place, and what was done in words.

    Raises:
        NothingPruned: nothing can be taken out of any of them.
    """
    if "pruned" not in maker.memory:
        maker.memory["pruned"] = _pruned(maker)
    found: tuple[dict[int, Network], Sequence[str]] = maker.memory["pruned"]
    return found


def _pruned(maker: Maker) -> tuple[dict[int, Network], Sequence[str]]:
    networks: dict[int, Network] = {}
    notes: list[str] = []
    for share in SHARES:
        networks, notes, why = {}, [], None
        for place in maker.source.networks:
            network, lesson = network_of(maker, place), lesson_of(maker, place)
            try:
                made = prune(network, share, sample=lesson.features[:SAMPLE_ROWS])
            except NothingPruned as error:
                why = error
                continue
            networks[place] = _learned(maker, made.network, lesson)
            notes += [
                f"{share:.0%} of its inner units taken out: {made.after.parameters:,} of {made.before.parameters:,} "
                f"weights are left, {made.after.multiply_adds / max(1, made.before.multiply_adds):.0%} of the "
                "multiplications; trained again",
                *made.notes,
            ]
        if not networks and why is not None:
            raise why
        if maker.holds(_answers(maker, networks)):
            break
    return networks, notes


def sparse_networks(maker: Maker) -> tuple[dict[int, Network], Sequence[str]]:
    """Every network with its smallest weights at zero, by place.

    Raises:
        NothingPruned: no weight became zero.
    """
    networks, notes = {}, []
    for place in maker.source.networks:
        made = sparsify(network_of(maker, place), SPARSE_SHARE)
        networks[place] = _learned(maker, made.network, lesson_of(maker, place), made.masks)
        notes.append(f"{made.zeros:.0%} of its weights are zero: the file is packed; it answers no faster for that")
    if not networks:
        raise NothingPruned("It has no network.")
    return networks, notes


def quantisation_aware_networks(maker: Maker) -> dict[int, Network]:
    """Every network, trained on with its weights and activations rounded as 8 bits will round them, by place."""
    means = maker.means
    networks = {}
    for place in maker.source.networks:
        lesson = lesson_of(maker, place)
        learned = quantisation_aware(
            network_of(maker, place), lesson.features, lesson.y, teacher=lesson.teacher, valid=lesson.valid,
            seconds=means.seconds, seed=means.seed, threads=means.threads, control=means.control,
            weights=lesson.weights,
        )  # fmt: skip
        networks[place] = as_often_positive(maker, learned, lesson.features, lesson.teacher)
    return networks


def student_of(maker: Maker) -> tuple[Member, Sequence[str]]:
    """A small network that learned the model's answers, and what it is in words."""
    if "student" not in maker.memory:
        maker.memory["student"] = _student(maker)
    found: tuple[Member, Sequence[str]] = maker.memory["student"]
    return found


def _student(maker: Maker) -> tuple[Member, Sequence[str]]:
    source, means = maker.source, maker.means
    family = _family(maker)
    width = min([STUDENT_WIDTH, *(max(8, network_of(maker, place).spec.width // 2) for place in source.networks)])
    member = train_student(
        maker.rows.train, source.schema, target=source.info.target, task=source.info.task, metric=maker.goal.metric,
        classes=source.info.classes, answers=maker.teaching, family=family, width=width, seconds=means.seconds,
        seed=means.seed, threads=means.threads, folder=maker.folder / ".student", control=means.control,
    )  # fmt: skip
    inner = member.model.inner
    if isinstance(inner, Network):
        inner = as_often_positive(maker, inner, member.plan.transform(maker.rows.train), maker.teaching)
        member = replace(member, model=replace(member.model, inner=inner))
    return member, (f"a {family} of width {width} that learned the answers of {source.info.kind}",)


def _family(maker: Maker) -> str:
    """The member's own where there is one network alone; else what can look at all columns."""
    members = maker.source.members
    if len(members) == 1 and maker.source.networks:
        return members[0].kind
    kinds = {column.kind for column in maker.source.schema.columns}
    return "resnet" if "image" in kinds else "network"


def network_of(maker: Maker, place: int) -> Network:
    """The network of the member at `place`, one of `source.networks`."""
    inner = maker.source.members[place].model.inner
    assert isinstance(inner, Network)
    return inner


def lesson_of(maker: Maker, place: int) -> Lesson:
    """Rows for a member to learn on from. Rows of a class that its network does not know are left out."""
    key = f"lesson {place}"
    if key not in maker.memory:
        maker.memory[key] = _lesson(maker, place)
    found: Lesson = maker.memory[key]
    return found


def _lesson(maker: Maker, place: int) -> Lesson:
    member = maker.source.members[place]
    features, y = member.plan.transform(maker.rows.train), maker.rows.y_train
    teacher = member.model.predict(features)  # the network's own answers, not those of the models beside it
    if not maker.source.regression:
        present = np.asarray(member.model.present)
        known = np.flatnonzero(np.isin(y, present))
        features, y, teacher = features[known], np.searchsorted(present, y[known]), teacher[known][:, present]
        teacher = np.maximum(teacher, np.finfo(np.float64).tiny)
        teacher = teacher / teacher.sum(axis=1, keepdims=True)
    order = np.random.default_rng([maker.means.seed, 6]).permutation(len(y))
    held = max(1, round(VALID_SHARE * len(y)))
    valid, learn = np.sort(order[:held]), np.sort(order[held:])
    info = maker.source.info
    # as the original's own fit weighed its rows
    power = class_power(info.task, METRICS[info.metric.name])
    weights = class_weights(y[learn], len(info.classes), power)
    return Lesson(features[learn], y[learn], teacher[learn], (features[valid], y[valid]), weights)


def _learned(maker: Maker, network: Network, lesson: Lesson, masks: Mapping[str, Any] | None = None) -> Network:
    means = maker.means
    learned = fine_tune(
        network, lesson.features, lesson.y, teacher=lesson.teacher, valid=lesson.valid, seconds=means.seconds,
        seed=means.seed, threads=means.threads, control=means.control, masks=masks,
        weights=lesson.weights,
    )  # fmt: skip
    return as_often_positive(maker, learned, lesson.features, lesson.teacher)


def as_often_positive(maker: Maker, network: Network, features: Matrix, teacher: Floats) -> Network:
    """For a binary metric of labels: the network with its answers shifted so that as many of these rows are positive
    by the model's threshold as the teacher says.

    The threshold was found for the original's probabilities. A network that learned on ranks rows as well and may be a
    little surer or less sure of all of them, which would be counted as answers lost.
    """
    threshold = maker.source.info.threshold
    if maker.source.info.task != "binary" or METRICS[maker.goal.metric].uses != "labels" or teacher.shape[1] != 2:
        return network
    scores, wanted = np.sort(network.predict(features)[:, 1])[::-1], int((teacher[:, 1] >= threshold).sum())
    if not 0 < wanted < len(scores) or not 0 < threshold < 1:
        return network
    cut = (scores[wanted - 1] + scores[wanted]) / 2
    shift = float(logit(threshold) - logit(np.clip(cut, 1e-6, 1 - 1e-6))) * network.temperature
    net = copy.deepcopy(network.net)
    with torch.no_grad():
        net.head[-1].bias[1] += shift
    return replace(network, net=net)


def _answers(maker: Maker, networks: dict[int, Network]) -> Floats:
    """The whole model's answers to the guard rows with other networks in it."""
    parts = list(maker.parts)
    for place, network in networks.items():
        member = maker.source.members[place]
        parts[place] = replace(member.model, inner=network).predict(member.plan.transform(maker.rows.guard))
    return maker.source.mixed(parts)
