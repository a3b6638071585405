import copy
from dataclasses import replace
from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from engine.errors import BadArguments
from engine.models.base import Floats
from engine.models.network import Network
from engine.optimise.core import core_feeds
from engine.optimise.export_net import export_network
from engine.optimise.prune import prune
from engine.optimise.qat import InputRounding, WeightRounding, as_quantised, quantisation_aware
from engine.optimise.qat_smooth import smooth
from engine.optimise.quantise import quantise_static
from engine.progress import Control
from tests.engine.optimise.lessons import WIDE, Lesson, learned
from tests.engine.optimise.nets_to_prune import SPECS, network, rows


def aware(network: Network, lesson: Lesson, **changes: object) -> Network:
    given: dict[str, object] = {
        "teacher": lesson.teacher, "valid": lesson.valid, "seconds": None, "seed": 0, "threads": 1,
        "control": Control(), "epochs": 4,
    }  # fmt: skip
    return quantisation_aware(network, *lesson.train, **(given | changes))  # type: ignore[arg-type]


@cache
def outlier() -> Network:
    """What was learned, with one unit of each block so large that 256 steps leave none to the others."""
    given = learned().network
    net = copy.deepcopy(given.net)
    with torch.no_grad():
        for block in net.trunks[0].net.blocks:
            first, second = block.residual[1], block.residual[4]
            first.weight[0].mul_(3000)
            first.bias[0].mul_(3000)
            second.weight[:, 0].div_(3000)
    return replace(given, net=net)


@cache
def embedded_outlier() -> Network:
    """The same between the embedding of numbers and the layer that reads it, where nothing can be smoothed."""
    given = learned().network
    net = copy.deepcopy(given.net)
    table = net.trunks[0].net
    width = table.numbers.linear.out_features
    with torch.no_grad():
        table.numbers.linear.weight[0].mul_(300)
        table.numbers.linear.bias[0].mul_(300)
        table.entry.weight[:, 6::width].div_(300)
    return replace(given, net=net)


@pytest.mark.parametrize("planted", [outlier, embedded_outlier], ids=["smoothed", "learned"])
def test_a_planted_outlier_ruins_static_quantisation_and_after_training_it_loses_less(planted: "object") -> None:
    assert callable(planted)
    lesson, given = learned(), planted()
    original, plain = lesson.loss(lesson.network), lesson.loss(given)
    assert plain == pytest.approx(original, abs=1e-4)
    made = aware(given, lesson)
    before, after = (lesson.loss(as_quantised(some, lesson.features[:320])) for some in (given, made))
    assert before - original > 0.02
    assert after - original < 0.5 * (before - original)


def test_what_was_trained_so_loses_less_when_its_export_is_quantised_statically() -> None:
    lesson, given = learned(), outlier()
    made = aware(given, lesson)
    before, after = (static_loss(some, lesson) for some in (given, made))
    # the rounding that was simulated is what the runtime does
    assert before == pytest.approx(lesson.loss(as_quantised(given, lesson.features[:320])), abs=0.02)
    assert after == pytest.approx(lesson.loss(as_quantised(made, lesson.features[:320])), abs=0.02)
    assert after - lesson.loss(lesson.network) < 0.5 * (before - lesson.loss(lesson.network))


def static_loss(network: Network, lesson: Lesson) -> float:
    feeds = [core_feeds(lesson.features[start : start + 80], WIDE) for start in range(0, 320, 80)]
    session = onnxruntime.InferenceSession(
        quantise_static(export_network(network).model, feeds).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    said: Floats = session.run(None, core_feeds(lesson.features[400:], WIDE))[0]
    return float(-np.log(said[np.arange(len(said)), lesson.y[400:]]).mean())


@pytest.mark.parametrize("kind", SPECS)
def test_every_kind_of_network_is_given_back_plain_and_in_evaluation_mode(kind: str) -> None:
    given, features, y = network(kind), rows(kind, 48), np.arange(48) % 3
    before = {name: value.clone() for name, value in given.net.state_dict().items()}
    given.net.train()
    made = quantisation_aware(
        given, features, y, teacher=None, valid=(features, y), seconds=None, seed=0, threads=1, control=Control(),
        epochs=3,
    )  # fmt: skip
    for module in made.net.modules():
        assert not module.training
        assert not is_parametrized(module)
        assert not module._forward_pre_hooks
        assert not isinstance(module, InputRounding | WeightRounding | nn.BatchNorm2d)
    assert all(torch.equal(value, before[name]) for name, value in given.net.state_dict().items())
    assert np.isfinite(made.outputs(features)).all()
    assert all(value.dtype == torch.float32 for value in made.net.parameters())


@pytest.mark.parametrize("kind", SPECS)
def test_smoothing_and_folding_leave_the_answers_as_they_are(kind: str) -> None:
    given, features = network(kind), rows(kind)
    made = quantisation_aware(
        given, features, np.arange(24) % 3, teacher=None, valid=None, seconds=None, seed=0, threads=1,
        control=Control(cancelled=lambda: True),
    )  # fmt: skip
    assert np.abs(made.outputs(features) - given.outputs(features)).max() < 1e-5


def test_smoothing_makes_the_range_of_a_unit_that_of_the_weights_that_read_it() -> None:
    net = copy.deepcopy(outlier().net)
    features = torch.from_numpy(learned().features)
    smooth(net, features)
    seen: list[torch.Tensor] = []
    reader = net.trunks[0].net.blocks[0].residual[4]
    with torch.inference_mode(), reader.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        net(features)
    greatest, columns = seen[0].abs().amax(dim=0), reader.weight.abs().amax(dim=0)
    awake = greatest > 1e-3
    assert torch.allclose(greatest[awake], columns[awake], rtol=1e-4)


@pytest.mark.parametrize("kind", ["resnet", "encoder", "all, bag and conv"])
def test_a_pruned_network_can_be_trained_so_too(kind: str) -> None:
    pruned = prune(network(kind), 0.5).network
    made = quantisation_aware(
        pruned, rows(kind), np.arange(24) % 3, teacher=None, valid=None, seconds=None, seed=0, threads=1,
        control=Control(), epochs=1,
    )  # fmt: skip
    assert np.isfinite(made.outputs(rows(kind))).all()


def test_the_same_amount_of_work_gives_the_same_bits() -> None:
    lesson = learned()
    one, two = (aware(lesson.network, lesson, epochs=1, seed=3) for _ in range(2))
    assert np.array_equal(one.outputs(lesson.features), two.outputs(lesson.features))


def test_weights_are_rounded_to_127_steps_a_side_of_each_row_and_the_gradient_passes() -> None:
    weight = torch.tensor([[1.0, -0.5, 0.004], [100.0, 30.3, 0.0]], requires_grad=True)
    rounded = WeightRounding()(weight)
    scale = torch.tensor([[1 / 127], [100 / 127]])
    assert torch.allclose(rounded, (weight / scale).round() * scale, atol=1e-6)
    rounded.sum().backward()
    assert torch.equal(weight.grad, torch.ones(2, 3))
    assert torch.equal(WeightRounding()(torch.zeros(2, 3)), torch.zeros(2, 3))


def test_inputs_are_rounded_to_256_steps_of_a_range_that_holds_0_and_cut_beyond_it() -> None:
    rounding = InputRounding()
    rounding.watching = True
    rounding(torch.tensor([1.0, 3.0]))
    rounding(torch.tensor([-1.0, 2.0]))
    rounding.watching = False
    assert (float(rounding.low), float(rounding.high)) == (-1, 3)
    values = torch.tensor([-9.0, 0.0, 0.01, 2.5, 9.0], requires_grad=True)
    rounded = rounding.eval()(values)
    step = 4 / 255
    assert torch.allclose(rounded, torch.tensor([-64 * step, 0.0, 1 * step, 159 * step, 191 * step]), atol=1e-6)
    rounded.sum().backward()
    assert torch.equal(values.grad, torch.tensor([0.0, 1, 1, 1, 0]))


def test_ranges_follow_those_of_the_batches_in_training_and_stay_in_evaluation() -> None:
    rounding = InputRounding().train()
    rounding(torch.tensor([-2.0, 10.0]))
    assert (float(rounding.low), float(rounding.high)) == pytest.approx((-0.1, 0.5))
    rounding.eval()(torch.tensor([-2.0, 10.0]))
    assert (float(rounding.low), float(rounding.high)) == pytest.approx((-0.1, 0.5))


def test_simulated_rounding_is_close_to_the_network_where_nothing_is_planted() -> None:
    lesson = learned()
    rounded = as_quantised(lesson.network, lesson.features[:320])
    difference = np.abs(rounded.predict(lesson.features) - lesson.network.predict(lesson.features))
    assert 0 < difference.mean() < 0.01


def test_what_does_not_fit_is_refused() -> None:
    lesson = learned()
    with pytest.raises(BadArguments, match="teacher's answers"):
        aware(lesson.network, lesson, teacher=np.ones((3, 3)))
    with pytest.raises(BadArguments, match="codes from 0 to 2"):
        aware(lesson.network, Lesson(lesson.network, lesson.features, lesson.y + 1))
