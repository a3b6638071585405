"""One ONNX file of a whole package: each member's feature plan and core, and the weighted mean of their answers.

The file says of itself what it takes and what it answers, so that it is of use without Millwright.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, checker, helper, inliner
from onnx.onnx_cpp2py_export.checker import ValidationError

from engine.features import FeaturePlan
from engine.features_image import ImageStep
from engine.files import write_atomic
from engine.optimise.core import ANSWER, OPSET, TREES_OPSET, Core
from engine.optimise.errors import ExportFailed
from engine.optimise.export_plan import front
from engine.optimise.export_plan_raw import ROWS, RawInputs, input_infos, raw_inputs, width_of
from engine.optimise.graph import ML, Graph
from engine.serving.runtime import ONNX_FILE, PACKED_FILE, write_runtime
from engine.serving.runtime_spec import BlockInput, Input, OnnxRuntimeSpec, RuntimeFile, TokensInput
from engine.serving.session_settings import SessionSettings

IR_VERSION = 10
"""The first that has opset 21; every ONNX Runtime since 1.18 reads it."""
PRODUCER = "millwright"
FRONT, MEAN = "front", "mean"

_WHAT = {
    "numbers": "float64 (rows, columns): numbers as they are, booleans as 0 and 1; missing is NaN",
    "texts": "strings (rows, columns): categories without surrounding white space; missing is the empty string",
    "moments": "int64 (rows, columns): dates as microseconds since 1970-01-01 00:00 UTC; missing is -2^63",
}


@dataclass(frozen=True)
class Composed:
    """A model that takes `inputs` and answers ANSWER. `split` says in words what is left to Python, '' if nothing."""

    model: ModelProto
    inputs: tuple[Input, ...]
    split: str


def compose(members: Sequence[tuple[FeaturePlan, Core, float]], *, regression: bool) -> Composed:
    """All members, each a plan, a core and a weight, as one graph; the weights need not sum to one.

    Raises:
        ExportFailed: the parts do not fit together, or the whole is no valid ONNX model.
    """
    raw = raw_inputs([plan for plan, _, _ in members])
    graph = Graph(FRONT)
    versions = {"": OPSET}
    answers = []
    for place, (plan, core, _) in enumerate(members):
        model = inliner.inline_local_functions(core.model) if core.model.functions else core.model
        _merge_versions(versions, model)
        made = {tensor.name for tensor in model.graph.initializer}
        wanted = [info.name for info in model.graph.input if info.name not in made]
        answers.append(_attach(graph, model.graph, f"m{place}", front(graph, raw, plan, wanted)))
    _mean(graph, answers, [weight for _, _, weight in members])
    if any(node.domain == ML for node in graph.nodes):
        versions.setdefault(ML, TREES_OPSET)
    split = _split(raw.inputs)
    model = _model(graph, raw, versions, _width(members))
    helper.set_model_props(model, _properties(raw.inputs, split, regression))
    try:
        checker.check_model(model)
    except (ValidationError, ValueError) as error:
        raise ExportFailed(f"The parts of the model do not fit into one ONNX file: {error}") from error
    return Composed(model, raw.inputs, split)


def write_onnx(
    folder: Path,
    composed: Composed,
    *,
    regression: bool,
    weights: Sequence[float],
    session: SessionSettings | None = None,
    classes: Sequence[str] = (),
    packed: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `model.onnx` (packed: `model.onnx.gz`) and `runtime.json` into an existing folder.

    `classes` and `metadata` go into the model's own properties.

    Raises:
        DiskFull, HomeNotWritable: as `engine.files`.
    """
    model = ModelProto()
    model.CopyFrom(composed.model)
    properties = {entry.key: entry.value for entry in model.metadata_props} | dict(metadata or {})
    if classes:
        properties["classes"] = json.dumps(list(classes), ensure_ascii=False)
    helper.set_model_props(model, properties)
    content = model.SerializeToString(deterministic=True)
    if packed:
        write_atomic(folder / PACKED_FILE, gzip.compress(content, 9, mtime=0))
    else:
        write_atomic(folder / ONNX_FILE, content)
    spec = OnnxRuntimeSpec(inputs=composed.inputs, session=session or SessionSettings(), split=composed.split)
    write_runtime(folder, RuntimeFile(regression=regression, weights=tuple(weights), runtime=spec))


def _merge_versions(versions: dict[str, int], model: ModelProto) -> None:
    for entry in model.opset_import:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        if versions.setdefault(domain, entry.version) != entry.version:
            raise ExportFailed(
                f"Parts of the model need version {versions[domain]} and version {entry.version} of the operators of "
                f"{domain or 'ONNX'!r}."
            )


def _attach(graph: Graph, core: GraphProto, prefix: str, fed: Mapping[str, str]) -> str:
    """Add a core's nodes with their names prefixed and its inputs replaced by `fed`; the name of its answer."""
    names = dict(fed)
    for tensor in core.initializer:
        kept = TensorProto()
        kept.CopyFrom(tensor)
        kept.name = names[tensor.name] = f"{prefix}/{tensor.name}"
        graph.initialisers.append(kept)
    if core.sparse_initializer:
        raise ExportFailed("A member of the model has sparse constants, which are not known here.")
    _add_nodes(graph.nodes, core, prefix, names)
    return names[core.output[0].name]


def _add_nodes(nodes: "list[NodeProto]", core: GraphProto, prefix: str, names: dict[str, str]) -> None:
    for place, node in enumerate(core.node):
        kept = NodeProto()
        kept.CopyFrom(node)
        # what exporters note of where a node came from (source files, stacks) is no part of a model
        kept.ClearField("metadata_props")
        kept.ClearField("doc_string")
        kept.name = f"{prefix}/{node.name or f'{node.op_type}_{place}'}"
        names |= {name: f"{prefix}/{name}" for name in node.output if name}
        kept.input[:] = [names[name] if name else "" for name in node.input]
        kept.output[:] = [names[name] if name else "" for name in node.output]
        for attribute in kept.attribute:
            _rename_inside(attribute, prefix, names)
        nodes.append(kept)


def _rename_inside(attribute: AttributeProto, prefix: str, names: Mapping[str, str]) -> None:
    """The graphs of a loop or a branch see the names outside, and have names of their own."""
    for inner in [attribute.g] if attribute.type == AttributeProto.GRAPH else attribute.graphs:
        own = dict(names)
        for info in (*inner.input, *inner.initializer):
            own[info.name] = f"{prefix}/{info.name}"
            info.name = own[info.name]
        nodes: list[NodeProto] = []
        _add_nodes(nodes, inner, prefix, own)
        del inner.node[:]
        inner.node.extend(nodes)
        del inner.value_info[:]
        for info in inner.output:
            info.name = own[info.name]


def _mean(graph: Graph, answers: Sequence[str], weights: Sequence[float]) -> None:
    """Add ANSWER, the mean of float64 answers, summed in their order."""
    total = float(sum(weights))
    shares = [weight / total for weight in weights]
    parts = [
        answer if share == 1.0 else graph.add("Mul", answer, graph.constant(np.asarray(share, dtype=np.float64)))
        for answer, share in zip(answers, shares, strict=True)
    ]
    if len(parts) == 1:
        graph.nodes.append(helper.make_node("Identity", parts, [ANSWER], name=f"{MEAN}/{ANSWER}"))
    else:
        graph.nodes.append(helper.make_node("Sum", parts, [ANSWER], name=f"{MEAN}/{ANSWER}"))


def _width(members: Sequence[tuple[FeaturePlan, Core, float]]) -> int | str:
    """Columns of the answer, where a core declares them."""
    dims = members[0][1].model.graph.output[0].type.tensor_type.shape.dim
    return dims[1].dim_value if len(dims) > 1 and dims[1].dim_value else "classes"


def _model(graph: Graph, raw: RawInputs, versions: Mapping[str, int], width: int | str) -> ModelProto:
    answer = helper.make_tensor_value_info(ANSWER, TensorProto.DOUBLE, [ROWS, width])
    whole = helper.make_graph(graph.nodes, PRODUCER, input_infos(raw), [answer], graph.initialisers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    return helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)


def _properties(inputs: Sequence[Input], split: str, regression: bool) -> dict[str, str]:
    described = [
        {"name": entry.name, "what": _what(entry), "columns": list(entry.columns)} for entry in inputs
    ]  # fmt: skip
    answer = "the value" if regression else "the probability of each of the classes, in their order"
    return {
        "inputs": json.dumps(described, ensure_ascii=False),
        "answer": f"float64 (rows, {'1' if regression else 'classes'}): {answer}",
        "infinite": "an infinite number counts as missing, a category never seen in training as a rare one",
        "split": split,
    }


def _what(entry: Input) -> str:
    if isinstance(entry, BlockInput):
        return f"float32 (rows, {width_of(entry.step)}): features that Millwright computes, see 'split'"
    if isinstance(entry, TokensInput):
        return f"int64 (rows, up to {entry.step.length}): tokens that Millwright computes, 0 after the end, see 'split'"
    return _WHAT[entry.kind]


def _split(inputs: Sequence[Input]) -> str:
    sentences: dict[str, None] = {}
    for entry in inputs:
        if isinstance(entry, TokensInput):
            sentences[
                f"column {entry.step.column!r}: texts are cut into tokens by Python, since ONNX has no tokeniser"
            ] = None
        elif isinstance(entry, BlockInput) and isinstance(entry.step, ImageStep):
            sentences[
                f"column {entry.step.column!r}: pictures are unpacked and resized by Python, since ONNX reads no files"
            ] = None
        elif isinstance(entry, BlockInput):
            sentences[f"column {entry.step.column!r}: words are counted by Python, since ONNX has no hash of them"] = (
                None
            )
    return "; ".join(sentences)
