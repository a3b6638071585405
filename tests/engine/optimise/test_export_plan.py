"""The feature plan inside a graph gives the features that the plan gives in Python."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.data.images import from_pixels
from engine.data.schema import Column, Kind, Schema, coerce
from engine.features import FeaturePlan
from engine.features_pixels import PixelStep
from engine.features_steps import CategoryStep, DateStep, Flavour, NumberStep
from engine.features_text import TextStep
from engine.optimise.core import FEATURES, OPSET, TREES_OPSET, core_feeds
from engine.optimise.errors import ExportFailed
from engine.optimise.export_plan import front
from engine.optimise.export_plan_categories import TABLE, dictionaries
from engine.optimise.export_plan_raw import input_infos, raw_inputs
from engine.optimise.graph import ML, Graph
from engine.serving.runtime import Feeds, feeds_of
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

FLAVOURS: tuple[Flavour, ...] = ("linear", "tree", "network")
KINDS: dict[str, Kind] = {
    "amount": "number", "even": "number", "count": "integer", "flag": "boolean", "town": "category",
    "colour": "category", "when": "datetime", "note": "text", "photo": "image",
}  # fmt: skip
SCHEMA = Schema(columns=tuple(Column(name=name, kind=kind) for name, kind in KINDS.items()))
PIXELS = tuple(f"pixel_{row}_{column}" for row in range(4) for column in range(4))
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


def table(rows: int = 700, seed: int = 0) -> pd.DataFrame:
    """Every kind of column, with what is missing, infinite, rare and far away."""
    draw = np.random.default_rng(seed)
    amount = np.round(draw.lognormal(3, 2, rows), 3)
    amount[::11], amount[5], amount[6], amount[7] = np.nan, np.inf, -np.inf, 1e300
    count = pd.array(draw.integers(-5, 60, rows), dtype="Int64")
    count[::7] = pd.NA
    flag = pd.array(draw.random(rows) < 0.3, dtype="boolean")
    flag[::13] = pd.NA
    towns = [f"town {place}" for place in draw.zipf(1.6, rows).clip(max=90)]
    moments = pd.Timestamp("2019-12-30") + pd.to_timedelta(draw.integers(-9 * 10**14, 9 * 10**14, rows), unit="us")
    when = pd.Series(moments).astype("datetime64[us]").mask(draw.random(rows) < 0.1)
    words = [" ".join(draw.choice(["good", "bad", "Very", "slow", "ok!"], draw.integers(1, 9))) for _ in range(rows)]
    photos = [from_pixels(draw.integers(0, 256, (6, 5), dtype=np.uint8)).cell for _ in range(rows)]
    return pd.DataFrame({
        "amount": amount,
        "even": draw.normal(size=rows),
        "count": count,
        "flag": flag,
        "town": pd.Series(towns, dtype="str").mask(draw.random(rows) < 0.1),
        "colour": pd.Series(draw.choice(["red", "blue", "nul\0l", "é"], rows), dtype="str"),
        "when": when,
        "note": pd.Series(words, dtype="str").mask(draw.random(rows) < 0.1),
        "photo": pd.Series(photos, dtype="str").mask(draw.random(rows) < 0.1),
    })  # fmt: skip


def strange(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that training had none of: all missing, unseen, infinite, huge, long ago."""
    photos = frame["photo"].tolist()
    rows = pd.DataFrame({
        "amount": [np.nan, np.inf, -1e308, 0.0, 1e31, -0.0],
        "even": [np.nan, -np.inf, 1e31, -1e308, 1e-320, 3.0],
        "count": [None, 2**53 - 1, -(2**53), 0, 1, None],
        "flag": [None, True, False, True, None, False],
        "town": [None, "town 1", "nowhere", "town 2", "TOWN 1", "town 90"],
        "colour": [None, "red", "RED", "nul\0l", "nul", "\u00e9"],
        "when": pd.to_datetime(
            ["NaT", "1600-02-29 23:59:59.999999", "1969-12-31 23:00", "1900-03-01", "2400-02-29", "9999-12-31"],
            format="ISO8601",
        ),
        "note": [None, "good", "unknown words", "bad ok!", "x " * 500, "very"],
        "photo": [None, photos[1], "data:image/png;base64,x", "no image", photos[2], photos[3]],
    })  # fmt: skip
    return rows.astype(frame.dtypes.to_dict())


def graph_gives(plans: Sequence[FeaturePlan], rows: pd.DataFrame, wanted: Sequence[Feeds]) -> list[Feeds]:
    """What one graph of all plans gives for the inputs that `wanted` names, plan by plan."""
    raw, graph = raw_inputs(plans), Graph("front")
    given = [front(graph, raw, plan, list(names)) for plan, names in zip(plans, wanted, strict=True)]
    outputs = []
    for place, (tensors, arrays) in enumerate(zip(given, wanted, strict=True)):
        for name, tensor in tensors.items():
            graph.nodes.append(helper.make_node("Identity", [tensor], [f"{place} {name}"]))
            kind = TYPES[arrays[name].dtype.name]
            outputs.append(helper.make_tensor_value_info(f"{place} {name}", kind, [None] * arrays[name].ndim))
    whole = helper.make_graph(graph.nodes, "front", input_infos(raw), outputs, graph.initialisers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, TREES_OPSET)]
    model = helper.make_model(whole, opset_imports=opsets, ir_version=10)
    session = open_session(model.SerializeToString(), SessionSettings())
    arrays = iter(session.run(None, feeds_of(rows, raw.inputs)))
    return [{name: next(arrays) for name in names} for names in wanted]


def assert_alike(plans: Sequence[FeaturePlan], rows: pd.DataFrame) -> None:
    wanted = [core_feeds(plan.transform(rows), plan.layout) for plan in plans]
    for expected, found in zip(wanted, graph_gives(plans, rows, wanted), strict=True):
        for name, array in expected.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def plans(frame: pd.DataFrame) -> dict[Flavour, FeaturePlan]:
    return {flavour: FeaturePlan.fit(frame, SCHEMA, list(KINDS), flavour) for flavour in FLAVOURS}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("rows", [1, 2, 3, 50])
def test_the_graph_gives_the_features_of_the_plan_to_the_bit(
    frame: pd.DataFrame, plans: dict[Flavour, FeaturePlan], flavour: Flavour, rows: int
) -> None:
    assert_alike([plans[flavour]], frame.iloc[3 : 3 + rows])
    assert_alike([plans[flavour]], strange(frame).head(rows))


@pytest.mark.parametrize("rows", [1, 30])
def test_a_network_plan_gives_its_features_whole_too(
    frame: pd.DataFrame, plans: dict[Flavour, FeaturePlan], rows: int
) -> None:
    wanted = core_feeds(plans["network"].transform(frame.head(rows)), ())
    (found,) = graph_gives([plans["network"]], frame.head(rows), [wanted])
    np.testing.assert_array_equal(found[FEATURES], wanted[FEATURES])


def test_plans_of_one_package_share_their_raw_inputs(frame: pd.DataFrame, plans: dict[Flavour, FeaturePlan]) -> None:
    fold = FeaturePlan.fit(frame.head(300), SCHEMA, ["town", "when", "amount"], "tree")
    everything = [*plans.values(), fold]
    assert [entry.kind for entry in raw_inputs(everything).inputs] == [
        "numbers", "texts", "moments", "block", "block", "block", "block", "block", "tokens"
    ]  # fmt: skip
    assert_alike(everything, pd.concat([frame.head(40), strange(frame)]))


def test_equal_steps_of_two_members_are_one_input_and_one_computation(plans: dict[Flavour, FeaturePlan]) -> None:
    one, two = Graph("front"), Graph("front")
    front(one, raw_inputs([plans["linear"]]), plans["linear"], [FEATURES])
    raw = raw_inputs([plans["linear"]] * 2)
    for _ in range(2):
        front(two, raw, plans["linear"], [FEATURES])
    assert len(raw.blocks) == 2  # words and pictures
    assert [node.name for node in two.nodes] == [node.name for node in one.nodes]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_table_of_pixels(flavour: Flavour) -> None:
    draw = np.random.default_rng(1)
    columns = {name: draw.integers(0, 17, 80) for name in PIXELS if name != "pixel_2_1"}
    frame = pd.DataFrame({"first": draw.normal(size=80), **columns, "last": draw.random(80) < 0.5})
    schema = Schema(columns=tuple(Column(name=name, kind="number") for name in frame.columns))
    frame = frame.astype(float)
    frame.loc[3, "pixel_0_0"] = np.inf
    frame.loc[4:6, "pixel_1_1"] = np.nan
    plan = FeaturePlan.fit(frame, schema, list(frame.columns), flavour)
    assert any(isinstance(step, PixelStep) for step in plan.steps) == (flavour == "network")
    assert_alike([plan], frame)
    assert_alike([plan], frame.iloc[[4]])


def test_pixels_come_first_and_in_their_order_so_that_no_graph_has_to_sort_them() -> None:
    names = ("other", *PIXELS)
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 9, (30, len(names))).astype(float), columns=list(names))
    schema = Schema(columns=tuple(Column(name=name, kind="number") for name in names))
    plans = [FeaturePlan.fit(frame, schema, list(names), flavour) for flavour in ("tree", "network")]
    assert raw_inputs(plans).numbers == (*PIXELS, "other")


@pytest.mark.parametrize("flavour", ["linear", "tree"])
def test_categories_with_more_levels_than_are_kept_have_a_frequency(flavour: Flavour) -> None:
    draw = np.random.default_rng(2)
    cells = pd.Series([f"k{value}" for value in draw.integers(0, 300, 3000)], dtype="str").mask(draw.random(3000) < 0.1)
    frame = pd.DataFrame({"key": cells, "small": pd.Series(draw.choice(["a", "b"], 3000), dtype="str")})
    schema = Schema(columns=(Column(name="key", kind="category"), Column(name="small", kind="category")))
    plan = FeaturePlan.fit(frame, schema, ["key", "small"], flavour)
    assert [step.frequency is None for step in plan.steps if isinstance(step, CategoryStep)] == [False, True]
    new = pd.DataFrame({"key": ["k1", "unseen", None], "small": [None, "b", "c"]}, dtype="str")
    assert_alike([plan], pd.concat([frame.head(60), new]))


def test_columns_share_a_dictionary_while_their_table_stays_small() -> None:
    def step(name: str, levels: int) -> CategoryStep:
        known = tuple(f"{name} {level}" for level in range(levels))
        return CategoryStep(column=name, flavour="network", levels=known, rare=False, missing_flag=False)

    small = [step(f"small {place}", 3) for place in range(10)]
    books = dictionaries([step("large", TABLE), *small])
    assert [len(book.columns) for book in books] == [10, 1]
    assert [len(book.texts) for book in books] == [1 + 10 * 3, 1 + TABLE]
    assert dictionaries([]) == ()
    plan = FeaturePlan(flavour="network", steps=(step("large", TABLE), *small))
    rows = pd.DataFrame({name: [f"{name} 2", f"{name} 1", None] for name in plan.columns}, dtype="str")
    assert_alike([plan], rows)


def test_a_constant_column_of_dates_and_a_plan_without_features() -> None:
    date = DateStep(column="when", flavour="tree", first="2020-01-01T00:00:00", parts=())
    rows = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "NaT"])}).astype("datetime64[us]")
    assert_alike([FeaturePlan(flavour="tree", steps=(date,))], rows)
    number = NumberStep(column="x", flavour="tree")
    empty = FeaturePlan(flavour="tree", steps=())
    assert_alike([FeaturePlan(flavour="tree", steps=(number,)), empty], pd.DataFrame({"x": [1.0, np.nan]}))
    with pytest.raises(ExportFailed, match="reads no column"):
        raw_inputs([empty])


def test_a_core_that_takes_what_the_plan_does_not_give_is_refused(plans: dict[Flavour, FeaturePlan]) -> None:
    raw = raw_inputs(list(plans.values()))
    refused: list[tuple[Flavour, str]] = [
        ("linear", "numbers"), ("network", "image_1"), ("network", "tokens_1"), ("tree", "image_0")
    ]  # fmt: skip
    for flavour, name in refused:
        with pytest.raises(ExportFailed, match=name):
            front(Graph("front"), raw, plans[flavour], [name])


def test_no_category_is_the_text_that_stands_for_missing() -> None:
    cells = pd.DataFrame({"town": ["", "  ", "\t", "NA", "x"]})
    coerced = coerce(cells, Schema(columns=(Column(name="town", kind="category"),)))
    assert coerced["town"].dropna().tolist() == ["x"]


def test_a_batch_of_one_takes_few_nodes(frame: pd.DataFrame) -> None:
    names = ["amount", "even", "count", "flag", "town", "colour"]
    most: dict[Flavour, int] = {"linear": 24, "tree": 12, "network": 21}
    for flavour, limit in most.items():
        plan = FeaturePlan.fit(frame, SCHEMA, names, flavour)
        graph = Graph("front")
        wanted = core_feeds(plan.transform(frame.head(2)), plan.layout)
        front(graph, raw_inputs([plan]), plan, list(wanted))
        assert (flavour, len(graph.nodes)) <= (flavour, limit)


NUMBERS = st.one_of(
    st.floats(width=64), st.sampled_from([0.0, -0.0, 1e30, -1e30, 1.7976931348623157e308, 5e-324, 3.5]), st.none()
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(NUMBERS, min_size=1, max_size=9))
def test_any_number(frame: pd.DataFrame, cells: list[float | None]) -> None:
    plans = [FeaturePlan.fit(frame, SCHEMA, ["amount", "even"], flavour) for flavour in FLAVOURS]
    values: NDArray[np.float64] = np.array(cells, dtype=np.float64)
    assert_alike(plans, pd.DataFrame({"amount": values, "even": values[::-1]}))


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.one_of(st.none(), st.text(min_size=1, max_size=5)), min_size=2, max_size=9))
def test_any_category(cells: list[str | None]) -> None:
    codable = pd.Series([cell and cell.encode("utf-8", "replace").decode() for cell in cells], dtype="str")
    steps = [CategoryStep.fit(codable.head(len(cells) // 2).rename("c"), flavour) for flavour in FLAVOURS]
    plans = [FeaturePlan(flavour=step.flavour, steps=(step,)) for step in steps if step.names]
    assert_alike(plans, pd.DataFrame({"c": codable}))


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.one_of(st.none(), st.datetimes()), min_size=2, max_size=9))
def test_any_date(cells: list[pd.Timestamp | None]) -> None:
    dates = pd.Series(cells, dtype="datetime64[us]", name="d")
    if dates.notna().any():
        plans = [FeaturePlan(flavour=flavour, steps=(DateStep.fit(dates, flavour),)) for flavour in FLAVOURS]
        rows = pd.DataFrame({"d": pd.concat([dates, pd.Series(pd.to_datetime(["2024-02-29 05:00"]))])})
        assert_alike(plans, rows.astype("datetime64[us]"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_day_of_four_centuries(flavour: Flavour) -> None:
    days = np.arange(np.datetime64("1799-12-30"), np.datetime64("2200-01-03"))
    dates = pd.Series(days.astype("datetime64[us]") + np.timedelta64(7, "h"), name="d")
    plan = FeaturePlan(flavour=flavour, steps=(DateStep.fit(dates.iloc[::7], flavour),))
    assert_alike([plan], pd.DataFrame({"d": dates}))


def test_the_words_of_a_text_are_left_to_python(plans: dict[Flavour, FeaturePlan]) -> None:
    steps = [entry.step for entry in raw_inputs([plans["tree"]]).blocks]
    assert any(isinstance(step, TextStep) for step in steps)
