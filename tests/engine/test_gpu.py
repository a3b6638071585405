"""On a machine with CUDA: networks learn, repeat, fit into memory and answer there as they do on a processor."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.models.base import Params
from engine.models.model import fit_model, load_model
from engine.nets.encoder import Encoder, PooledEncoder
from engine.serving.runtime_spec import MembersRuntimeSpec, TorchMode
from engine.serving.torch_modes import in_mode
from engine.training.batch_size import free_memory
from engine.training.device import choose_device
from engine.training.fit import fit
from engine.training.losses import CrossEntropy
from engine.training.memory import plan_memory
from engine.training.rows import TensorRows
from engine.training.spec import FitSpec
from tests.engine.models.test_network import IMAGE, QUICK, TEXT, images, setting, texts
from tests.engine.serving.test_torch_modes import SPECS, features, held, network

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

MIB = 2**20
LIBRARIES = 80 * MIB
"""What matrix products take for themselves as they are first used, 32 MiB for each kind of them."""
ENCODER = {"vocabulary": 500, "width": 128, "heads": 4, "layers": 4, "hidden": 512, "longest": 128}
FEATURES: dict[str, dict[str, object]] = {
    "fp32": {},
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "checkpointing": {"checkpoint_activations": True},
    "offload": {"offload_activations": True},
    "accumulation": {"accumulate": 4, "batch_size": 16},
    "ema": {"ema_decay": 0.9},
}


def encoder() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(PooledEncoder(Encoder(**ENCODER)), nn.Linear(ENCODER["width"], 2))


def rows(count: int) -> TensorRows:
    """Tokens, class 1 where the first is one of the first half of the vocabulary."""
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, ENCODER["vocabulary"], (count, ENCODER["longest"]), generator=draw)
    tokens[:, :16] = tokens[:, :1]
    return TensorRows(tokens, (tokens[:, 0] < ENCODER["vocabulary"] // 2).long())


@pytest.fixture
def little_memory() -> Iterator[int]:
    """The MiB that torch may take of the device while the test runs."""
    torch.cuda.empty_cache()
    allowed = 1024
    torch.cuda.set_per_process_memory_fraction(allowed * MIB / torch.cuda.mem_get_info()[1])
    yield allowed
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_a_device_is_chosen_by_itself() -> None:
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("kind", ["network", "lstm", "encoder"])
def test_a_network_learns_from_texts_and_answers_alike_on_the_processor(kind: str, tmp_path: Path) -> None:
    x, y = texts(500)
    params: Params = QUICK | {"epochs": 25}
    model = fit_model(kind, x[:400], y[:400], params, replace(setting(TEXT), device="cuda", valid=(x[400:], y[400:])))
    answers = model.predict(x[400:])
    assert (answers.argmax(axis=1) == y[400:]).mean() > 0.9
    model.save(tmp_path)
    np.testing.assert_allclose(load_model(tmp_path).predict(x[400:]), answers, atol=1e-4)


@pytest.mark.parametrize("kind", ["network", "resnet"])
def test_a_network_learns_from_images(kind: str) -> None:
    x, y = images(400)
    model = fit_model(kind, x[:300], y[:300], QUICK, replace(setting(IMAGE), device="cuda"))
    assert (model.predict(x[300:]).argmax(axis=1) == y[300:]).mean() > 0.9


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_of_the_loop_lowers_the_loss(feature: str) -> None:
    spec = FitSpec(epochs=6, batch_size=64).model_copy(update={"warmup": 0.0, **FEATURES[feature]})
    report = fit(encoder(), rows(512), CrossEntropy(), spec, device=torch.device("cuda"))
    losses = [epoch.loss for epoch in report.history]
    assert losses[-1] < 0.8 * losses[0], losses


def test_a_deterministic_fit_gives_the_same_bits() -> None:
    def weights() -> bytes:
        model = encoder()
        spec = FitSpec(epochs=1, batch_size=64, deterministic=True, seed=3)
        fit(model, rows(256), CrossEntropy(), spec, device=torch.device("cuda"))
        return b"".join(weight.detach().cpu().numpy().tobytes() for weight in model.parameters())

    assert weights() == weights()


def test_what_does_not_fit_is_done_in_smaller_batches(little_memory: int) -> None:
    report = fit(encoder(), rows(4096), CrossEntropy(), FitSpec(epochs=1, batch_size=4096), device=torch.device("cuda"))
    assert report.batch_size < 4096
    assert report.batch_size * report.accumulate == 4096
    assert torch.cuda.max_memory_allocated() <= little_memory * MIB


@pytest.mark.parametrize("feature", ["fp32", "bf16", "checkpointing"])
def test_a_memory_plan_is_what_training_takes(feature: str) -> None:
    spec = FitSpec(epochs=1, max_steps=4, batch_size=64).model_copy(update=FEATURES[feature])
    free_memory()
    before = torch.cuda.memory_allocated()
    model, data = encoder().to("cuda"), rows(256)
    plan = plan_memory(model, data.batch(torch.arange(4)), spec, available=2**40, device=torch.device("cuda"))
    free_memory()
    torch.cuda.reset_peak_memory_stats()
    fit(model, data, CrossEntropy(), spec, device=torch.device("cuda"))
    taken = torch.cuda.max_memory_allocated() - before
    assert 0.8 * plan.total < taken < 1.2 * plan.total + LIBRARIES


@pytest.mark.parametrize("mode", ["eager", "bf16"])
@pytest.mark.parametrize("name", SPECS)
def test_every_kind_of_network_is_served_there(name: str, mode: TorchMode) -> None:
    member, x = held(network(SPECS[name])), features(SPECS[name], 300)
    expected = member.model.predict(x)
    answer = in_mode(member, MembersRuntimeSpec(mode=mode, device="cuda")).model.predict(x)
    np.testing.assert_allclose(answer, expected, atol=0.05 if mode == "bf16" else 1e-3)


@pytest.mark.parametrize("name", ["table", "encoder"])
def test_a_compiled_network_is_served_there(name: str) -> None:
    member, x = held(network(SPECS[name])), features(SPECS[name], 64)
    served = in_mode(member, MembersRuntimeSpec(mode="compile", device="cuda"))
    for rows_at_once in (1, 64):
        part = x[:rows_at_once]
        np.testing.assert_allclose(served.model.predict(part), member.model.predict(part), atol=1e-3)
