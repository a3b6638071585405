"""Small real variants to time: an ONNX graph of one product, and members of two kinds."""

from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from onnx import TensorProto, helper, numpy_helper

from engine.automl.members import save_member
from engine.data.schema import coerce, infer_schema
from engine.features import FeaturePlan
from engine.features_steps import Flavour
from engine.models.base import Deadline, Params, Setting
from engine.models.model import fit_model
from engine.progress import Control
from engine.serving.runtime import ONNX_FILE, write_runtime
from engine.serving.runtime_spec import NumbersInput, OnnxRuntimeSpec, RuntimeFile
from engine.serving.session_settings import SessionSettings

WEIGHTS = np.array([[2.0], [-1.0]])


def numbers(rows: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows)})


def onnx_variant(folder: Path, session: SessionSettings | None = None) -> Path:
    """Answers 2 a - b."""
    folder.mkdir(parents=True)
    taken = helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, ["rows", 2])
    given = helper.make_tensor_value_info("answer", TensorProto.DOUBLE, ["rows", 1])
    product = helper.make_node("MatMul", ["numbers", "weights"], ["answer"])
    graph = helper.make_graph([product], "product", [taken], [given], [numpy_helper.from_array(WEIGHTS, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (folder / ONNX_FILE).write_bytes(model.SerializeToString())
    spec = OnnxRuntimeSpec(
        inputs=(NumbersInput(name="numbers", columns=("a", "b")),), session=session or SessionSettings()
    )
    write_runtime(folder, RuntimeFile(regression=True, weights=(1.0,), runtime=spec))
    return folder


def member(folder: Path, kind: str, rows: pd.DataFrame, params: Params | None = None) -> Path:
    """A fitted member that tells whether a > 0."""
    flavour: Flavour = "linear" if kind == "linear" else "tree" if kind in ("lightgbm", "forest") else "network"
    schema = infer_schema(rows, {})
    rows = coerce(rows, schema)
    plan = FeaturePlan.fit(rows, schema, list(rows.columns), flavour)
    deadline = Deadline(Control(), None)
    setting = Setting("binary", 2, deadline, seed=1, layout=plan.layout, categorical=plan.categorical)
    target = (rows["a"].to_numpy() > 0).astype(np.int64)
    model = fit_model(kind, plan.transform(rows), target, params or {}, setting)
    save_member(folder, plan, model, task="binary", classes=("no", "yes"), params={})
    return folder


def children(folder: Path) -> list[psutil.Process]:
    """Running processes of ours that were started for this folder."""
    found = psutil.Process().children(recursive=True)
    return [child for child in found if child.is_running() and str(folder) in child.cmdline()]
