"""One ONNX file of several members: their answers averaged, told apart, and described."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from engine.features import FeaturePlan
from engine.features_image import ImageStep
from engine.features_steps import CategoryStep, DateStep, NumberStep
from engine.features_text import TextStep
from engine.features_tokens import TokenStep
from engine.optimise.compose import Composed, compose, write_onnx
from engine.optimise.core import ANSWER, FEATURES, OPSET, Core, tokens_name
from engine.optimise.errors import ExportFailed
from engine.serving.runtime import ONNX_FILE, PACKED_FILE, RUNTIME_FILE, OnnxRuntime, feeds_of, load_runtime
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

ROWS = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [10.0, 0.0, -1.0]})


def numbers_plan(*columns: str) -> FeaturePlan:
    return FeaturePlan(flavour="tree", steps=tuple(NumberStep(column=name, flavour="tree") for name in columns))


def core(
    nodes: list[NodeProto],
    constants: dict[str, np.ndarray],
    *,
    name: str = FEATURES,
    width: int | None = 2,
    opset: int = OPSET,
) -> Core:
    """Nodes from `name` (rows, width) to ANSWER (rows, 1)."""
    kind = TensorProto.FLOAT if name == FEATURES else TensorProto.INT64
    taken = helper.make_tensor_value_info(name, kind, ["n", width])
    given = helper.make_tensor_value_info(ANSWER, TensorProto.DOUBLE, ["n", 1])
    held = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "core", [taken], [given], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    onnx.checker.check_model(model)
    return Core(model, "linear")


def weighted(*weights: float) -> Core:
    """features @ weights."""
    nodes = [
        helper.make_node("MatMul", [FEATURES, "w"], ["raw"], name="multiply"),
        helper.make_node("Cast", ["raw"], [ANSWER], to=TensorProto.DOUBLE),
    ]
    return core(nodes, {"w": np.array(weights, dtype=np.float32)[:, None]}, width=len(weights))


def answers(composed: Composed, rows: pd.DataFrame) -> list[float]:
    session = open_session(composed.model.SerializeToString(), SessionSettings())
    (answer,) = session.run(None, feeds_of(rows, composed.inputs))
    assert answer.dtype == np.float64
    return [float(value) for value in answer[:, 0]]


def test_the_answer_is_the_mean_by_weights_that_need_not_sum_to_one() -> None:
    members = [(numbers_plan("a", "b"), weighted(1, 1), 3.0), (numbers_plan("b"), weighted(2), 1.0)]
    composed = compose(members, regression=True)
    assert answers(composed, ROWS.head(2)) == [0.75 * 11 + 0.25 * 20, 0.75 * 2]
    assert [entry.columns for entry in composed.inputs] == [("a", "b")]
    assert composed.split == ""


def test_members_that_use_the_same_names_do_not_meet() -> None:
    plan = numbers_plan("a", "b")
    composed = compose([(plan, weighted(1, 0), 1.0), (plan, weighted(0, 1), 1.0)], regression=True)
    assert answers(composed, ROWS.head(1)) == [5.5]
    names = [node.name for node in composed.model.graph.node]
    assert {"m0/multiply", "m0/Cast_1", "m1/multiply"} <= set(names)
    assert len(set(names)) == len(names)


def test_one_member_answers_alone_whatever_its_weight() -> None:
    composed = compose([(numbers_plan("a", "b"), weighted(1, 2), 0.25)], regression=True)
    assert answers(composed, ROWS.head(2)) == [21.0, 2.0]


def branching() -> Core:
    """Twice the first feature when the sum over rows is above `limit`, else none; both branches look outside."""

    def branch(name: str, factor: float) -> GraphProto:
        inside = [
            helper.make_node("Mul", ["first", "factor"], ["scaled"]),
            helper.make_node("Add", ["scaled", "zero"], [name]),
        ]
        held = [numpy_helper.from_array(np.array(factor), "factor")]
        return helper.make_graph(
            inside, name, [], [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1])], held
        )  # fmt: skip

    nodes = [
        helper.make_node("Cast", [FEATURES], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Gather", ["wide", "places"], ["first"], axis=1),
        helper.make_node("ReduceSum", ["first"], ["total"], keepdims=0),
        helper.make_node("Greater", ["total", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], [ANSWER], then_branch=branch("yes", 2.0), else_branch=branch("no", 0.0)),
    ]
    return core(nodes, {"places": np.array([0]), "zero": np.array(0.0)})


def test_a_branch_inside_a_core_still_sees_what_is_outside() -> None:
    plan = numbers_plan("a", "b")
    composed = compose([(plan, branching(), 1.0), (plan, branching(), 1.0)], regression=True)
    assert answers(composed, ROWS.head(2)) == [2.0, 4.0]
    assert answers(composed, -ROWS.head(2)) == [0.0, 0.0]


def test_functions_of_a_core_are_written_out() -> None:
    double = helper.make_function(
        "local", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [helper.make_opsetid("", OPSET)]
    )
    plain = weighted(1, 1)
    model = ModelProto()
    model.CopyFrom(plain.model)
    model.graph.node[0].output[0] = "single"
    model.graph.node.insert(1, helper.make_node("Twice", ["single"], ["raw"], domain="local"))
    model.functions.append(double)
    model.opset_import.append(helper.make_opsetid("local", 1))
    composed = compose([(numbers_plan("a", "b"), Core(model, "dynamo"), 1.0)], regression=True)
    assert answers(composed, ROWS.head(1)) == [22.0]


def test_parts_of_two_versions_of_onnx_are_refused() -> None:
    nodes = [
        helper.make_node("ReduceSum", [FEATURES, "axes"], ["raw"]),
        helper.make_node("Cast", ["raw"], [ANSWER], to=TensorProto.DOUBLE),
    ]
    older = core(nodes, {"axes": np.array([1])}, opset=17)
    with pytest.raises(ExportFailed, match="version 20 and version 17"):
        compose([(numbers_plan("a", "b"), older, 1.0)], regression=True)


def test_a_graph_that_is_not_valid_is_refused() -> None:
    broken = weighted(1, 1)
    broken.model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(ExportFailed, match="NoSuchOperator"):
        compose([(numbers_plan("a", "b"), broken, 1.0)], regression=True)


def test_what_an_exporter_notes_of_this_machine_is_left_out() -> None:
    noted = weighted(1, 1)
    entry = noted.model.graph.node[0].metadata_props.add()
    entry.key, entry.value = "stack_trace", "/home/somebody/secret.py"
    noted.model.graph.node[0].doc_string = "/home/somebody/secret.py"
    composed = compose([(numbers_plan("a", "b"), noted, 1.0)], regression=True)
    assert b"somebody" not in composed.model.SerializeToString()
    assert noted.model.graph.node[0].doc_string  # the core is as it was


def text_plan() -> FeaturePlan:
    words = pd.Series(["good day", "bad day", "good night"] * 10, dtype="str", name="note")
    return FeaturePlan(flavour="tree", steps=(NumberStep(column="a", flavour="tree"), TextStep.fit(words, "tree")))


def test_the_split_says_what_is_left_to_python() -> None:
    words = text_plan()
    width = len(words.feature_names)
    tokens = TokenStep.fit(pd.Series(["good day", "bad"], dtype="str", name="message"))
    network = FeaturePlan(flavour="network", steps=(tokens,))
    picture = ImageStep(column="photo", flavour="tree", height=1, width=1, channels=1, centre=(), scale=())
    counted = core(
        [
            helper.make_node("ReduceSum", [tokens_name(0), "axes"], ["raw"]),
            helper.make_node("Cast", ["raw"], [ANSWER], to=TensorProto.DOUBLE),
        ],
        {"axes": np.array([1])}, name=tokens_name(0), width=None,
    )  # fmt: skip
    members = [
        (words, weighted(*[1.0] * width), 1.0),
        (network, counted, 1.0),
        (FeaturePlan(flavour="tree", steps=(picture,)), weighted(1, 1, 1), 1.0),
    ]
    composed = compose(members, regression=True)
    assert [entry.kind for entry in composed.inputs] == ["numbers", "block", "block", "tokens"]
    for words_of in ("'note': words are counted", "'message': texts are cut into tokens", "'photo': pictures are"):
        assert words_of in composed.split
    assert composed.split.count("; ") == 2


def test_a_written_model_says_how_it_is_used_without_millwright(tmp_path: Path) -> None:
    town = CategoryStep(column="town", flavour="tree", levels=("x", "y"), rare=False, missing_flag=True)
    date = DateStep(
        column="when", flavour="tree", first="2020-01-01T00:00:00", parts=("year",), centres=(1.0,), scales=(1.0,)
    )
    plan = FeaturePlan(flavour="tree", steps=(NumberStep(column="a", flavour="tree"), town, date))
    composed = compose([(plan, weighted(1, 1, 1), 1.0)], regression=False)
    write_onnx(tmp_path, composed, regression=False, weights=(1.0,), classes=("no", "yes"), metadata={"model": "mdl_1"})
    session = onnxruntime.InferenceSession(tmp_path / ONNX_FILE, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == ["no", "yes"]
    assert told["model"] == "mdl_1"
    inputs = json.loads(told["inputs"])
    assert [entry["columns"] for entry in inputs] == [["a"], ["town"], ["when"]]
    assert [entry["name"] for entry in inputs] == [entry.name for entry in session.get_inputs()]
    moment = np.array([["2021-05-01"]], dtype="datetime64[us]").view(np.int64)
    values = [np.array([[2.0]]), np.array([["y"]], dtype=object), moment]
    feeds = {entry["name"]: value for entry, value in zip(inputs, values, strict=True)}
    assert session.run(None, feeds)[0].tolist() == [[2.0 + 1.0 + 2021.0]]


def test_a_folder_answers_when_it_is_read_back(tmp_path: Path) -> None:
    composed = compose([(numbers_plan("a", "b"), weighted(1, 1), 1.0)], regression=True)
    for packed in (False, True):
        folder = tmp_path / str(packed)
        folder.mkdir()
        write_onnx(folder, composed, regression=True, weights=(1.0,), packed=packed, session=SessionSettings(threads=2))
        runtime = load_runtime(folder)
        assert isinstance(runtime, OnnxRuntime)
        assert runtime.answer(ROWS.head(2)).tolist() == [11.0, 2.0]
        assert {path.name for path in folder.iterdir()} == {PACKED_FILE if packed else ONNX_FILE, RUNTIME_FILE}


def test_the_same_model_is_written_to_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        composed = compose([(text_plan(), weighted(*[1.0] * len(text_plan().feature_names)), 1.0)], regression=True)
        write_onnx(tmp_path, composed, regression=True, weights=(1.0,))
        contents.append((tmp_path / ONNX_FILE).read_bytes())
    assert contents[0] == contents[1]
