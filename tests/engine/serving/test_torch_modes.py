"""Networks in other modes answer nearly as they were trained, and what cannot be had is refused."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from engine.automl.members import Member, load_member
from engine.features import FeaturePlan
from engine.features_layout import CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.models.model import Model
from engine.models.network import AT_ONCE, Network
from engine.nets.mixed import build_net
from engine.nets.spec import NetSpec
from engine.optimise.bench.folders import write_bf16, write_members
from engine.optimise.errors import VariantRefused
from engine.serving.runtime import MembersRuntime, load_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec, TorchMode
from engine.serving.torch_modes import compile_seconds, find_compiler, halved, in_mode, network_of
from tests.engine.optimise.bench_folders import member, numbers

RNG = np.random.default_rng(0)
LENGTH, WORDS = 12, 5_000
TABLE: Layout = (
    NumberBlock(column="n", start=0, width=5),
    CategoryBlock(column="c", start=5, width=1, levels=900),
)
TEXT: Layout = (TextBlock(column="t", start=0, width=LENGTH, vocabulary=WORDS),)
IMAGE: Layout = (ImageBlock(column="i", start=0, width=3 * 64, channels=3, height=8, width_=8),)
SPECS = {
    "table": NetSpec(layout=TABLE, outputs=3, width=32),
    "bag": NetSpec(layout=TEXT, outputs=3, token_width=32),
    "lstm": NetSpec(layout=TEXT, outputs=3, text="lstm", token_width=32, lstm_hidden=32),
    "encoder": NetSpec(layout=TEXT, outputs=3, text="encoder", token_width=32, encoder_layers=1, encoder_hidden=64),
    "conv": NetSpec(layout=IMAGE, outputs=3, conv_width=8),
    "resnet": NetSpec(layout=IMAGE, outputs=3, image="resnet", resnet_widths=(8, 16), resnet_blocks=(1, 1)),
}
BF16 = MembersRuntimeSpec(mode="bf16")


def network(spec: NetSpec, *, regression: bool = False) -> Network:
    torch.manual_seed(1)
    net = build_net(spec).eval()
    for name, weights in net.named_parameters():
        if "tokens" in name or "categories" in name:
            torch.nn.init.normal_(weights.data)
    return Network("network", spec, net, regression, epochs=1, temperature=1.3, centre=100.0, scale=5.0)


def features(spec: NetSpec, rows: int) -> np.ndarray:
    block = spec.layout[0]
    if isinstance(block, TextBlock):
        return RNG.integers(2, WORDS, (rows, LENGTH)).astype(np.float32)
    if isinstance(block, ImageBlock):
        return RNG.normal(size=(rows, block.width)).astype(np.float32)
    return np.hstack([RNG.normal(size=(rows, 5)), RNG.integers(0, 900, (rows, 1))]).astype(np.float32)


def held(one: Network) -> Member:
    """A member around a network; its plan is of no account here."""
    model = Model(one, "regression" if one.regression else "multiclass", 0 if one.regression else 3, (0, 1, 2), 10)
    return Member(FeaturePlan(flavour="network", steps=()), model, model.task, ("a", "b", "c"), {})


@pytest.mark.parametrize("name", SPECS)
def test_every_kind_of_network_answers_nearly_alike_in_bf16(name: str) -> None:
    original = network(SPECS[name])
    half = halved(original)
    for rows in (1, 7):
        x = features(SPECS[name], rows)
        expected, answer = original.predict(x), half.predict(x)
        assert np.isfinite(answer).all()
        np.testing.assert_allclose(answer.sum(axis=1), 1.0, atol=1e-9)
        np.testing.assert_allclose(answer, expected, atol=0.05)
        assert not np.array_equal(answer, expected), "nothing was computed in less precision"


def test_numbers_stay_in_their_own_units_and_long_tables_are_cut() -> None:
    spec = SPECS["table"].model_copy(update={"outputs": 1})
    original = network(spec, regression=True)
    x = features(spec, AT_ONCE + 3)
    answer = halved(original).predict(x)
    assert answer.shape == (AT_ONCE + 3,)
    np.testing.assert_allclose(answer, original.predict(x), atol=0.02 * 5.0 + 0.01 * 5.0)
    assert abs(answer - 100).max() < 25


@pytest.mark.parametrize("name", ["bag", "lstm", "encoder"])
def test_token_ids_beyond_what_bf16_can_count_are_told_apart(name: str) -> None:
    half = halved(network(SPECS[name]))
    one, next_one = np.full((1, LENGTH), 4096, np.float32), np.full((1, LENGTH), 4097, np.float32)
    assert torch.tensor(4097.0).bfloat16() == torch.tensor(4096.0).bfloat16()
    assert abs(half.predict(one) - half.predict(next_one)).max() > 0.005


def test_codes_beyond_what_bf16_can_count_are_told_apart() -> None:
    half = halved(network(SPECS["table"]))
    one, next_one = np.zeros((1, 6), np.float32), np.zeros((1, 6), np.float32)
    one[0, 5], next_one[0, 5] = 513, 514
    assert abs(half.predict(one) - half.predict(next_one)).max() > 1e-4


def test_the_callers_member_is_left_alone() -> None:
    original = held(network(SPECS["lstm"]))
    x = features(SPECS["lstm"], 3)
    before = original.model.predict(x)
    assert in_mode(original, BF16) is not original
    np.testing.assert_array_equal(original.model.predict(x), before)
    assert in_mode(original, MembersRuntimeSpec()) is original


@pytest.mark.parametrize("mode", get_args(TorchMode))
def test_a_member_that_is_no_network_stays_as_it_is(mode: TorchMode, tmp_path: Path) -> None:
    linear = load_member(member(tmp_path / "linear", "linear", numbers()))
    assert in_mode(linear, MembersRuntimeSpec(mode=mode)) is linear
    assert network_of(linear) is None


@pytest.mark.parametrize("mode", ["eager", "bf16", "compile"])
def test_a_variant_for_a_gpu_is_not_run_without_one(mode: TorchMode) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(VariantRefused, match="There is no GPU here"):
        in_mode(held(network(SPECS["table"])), MembersRuntimeSpec(mode=mode, device="cuda"))


def test_a_bf16_variant_is_smaller_and_answers_as_the_mode_does(tmp_path: Path) -> None:
    rows = numbers(200)
    source = member(tmp_path / "network", "network", rows, {"epochs": 2, "width": 64})
    folder = tmp_path / "variant"
    folder.mkdir()
    write_members(folder, [source], [1.0], BF16, regression=False)
    written = folder / "members" / "0-network"
    weights = "network.safetensors"
    assert (written / weights).stat().st_size < 0.6 * (source / weights).stat().st_size
    runtime = load_runtime(folder)
    np.testing.assert_array_equal(runtime.answer(rows), in_mode(load_member(source), BF16).predict(rows))
    np.testing.assert_allclose(runtime.answer(rows), load_member(source).predict(rows), atol=0.05)
    assert load_member(written).predict(rows).shape == (200, 2), "it is a network like any other"
    write_bf16(written)
    np.testing.assert_array_equal(load_runtime(folder).answer(rows), runtime.answer(rows))


def test_without_a_compiler_compiling_is_refused_and_the_compiler_named(tmp_path: Path) -> None:
    from torch._inductor import config

    with (
        config.patch({"cpp.cxx": (None, "g++")}),  # the machine may name one by its path
        pytest.raises(VariantRefused, match=r"C\+\+ compiler.*looked for g\+\+"),
    ):
        find_compiler(str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_a_compiled_network_answers_alike_for_any_number_of_rows(name: str) -> None:
    find_compiler()
    original = held(network(SPECS[name]))
    fast = in_mode(original, MembersRuntimeSpec(mode="compile"))
    spent = compile_seconds()
    assert spent is not None
    assert spent > 0
    for rows in (1, 2, 3, 5, 32, 33, 64):
        x = features(SPECS[name], rows)
        if isinstance(SPECS[name].layout[0], TextBlock):
            x[:, rows % LENGTH + 1 :] = 0
        np.testing.assert_allclose(fast.model.predict(x), original.model.predict(x), atol=1e-5)
    assert compile_seconds() == spent, "it was compiled again after it was loaded"


@pytest.mark.slow
def test_two_members_compiled_in_one_process_do_not_mix() -> None:
    find_compiler()
    one, other = held(network(SPECS["table"])), held(network(SPECS["table"].model_copy(update={"width": 16})))
    members = [in_mode(each, MembersRuntimeSpec(mode="compile")) for each in (one, other)]
    x = features(SPECS["table"], 4)
    for each, fast in zip((one, other), members, strict=True):
        np.testing.assert_allclose(fast.model.predict(x), each.model.predict(x), atol=1e-5)
    mixed = MembersRuntime(tuple(members), (0.5, 0.5)).compute([x, x])
    np.testing.assert_allclose(mixed, (one.model.predict(x) + other.model.predict(x)) / 2, atol=1e-5)
