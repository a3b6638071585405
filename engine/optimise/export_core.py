"""One door to the exporters of all model kinds, which also keeps every class in the answer, as `Model` does."""

import numpy as np
from onnx import ModelProto

from engine.features import FeaturePlan
from engine.models.boosting import Boosted
from engine.models.dummy import Dummy
from engine.models.forest import Forest
from engine.models.linear import Linear
from engine.models.model import Model
from engine.optimise.core import ANSWER, Core
from engine.optimise.errors import ExportFailed
from engine.optimise.export_dense import answer_info, checked
from engine.optimise.export_linear import dummy_core, linear_core
from engine.optimise.export_trees import trees_core
from engine.optimise.graph import Graph

_PRESENT = "answer_of_classes_present"


def core_of(model: Model, plan: FeaturePlan) -> Core:
    """A fitted model as a graph from the plan's features to what `Model.predict` gives.

    Raises:
        ExportFailed: it cannot be written as ONNX; the sentence says why.
    """
    core = _inner_core(model, len(plan.feature_names))
    if model.task == "regression" or len(model.present) == model.classes:
        return core
    return Core(_over_all_classes(core.model, model), core.exporter, core.notes)


def _inner_core(model: Model, width: int) -> Core:
    inner = model.inner
    if isinstance(inner, Dummy):
        return dummy_core(inner, width)
    if isinstance(inner, Linear):
        return linear_core(inner, width)
    if isinstance(inner, Forest | Boosted):
        return trees_core(inner, width)
    # torch takes seconds to load
    from engine.models.network import Network

    if isinstance(inner, Network):
        from engine.optimise.export_net import export_network

        return export_network(inner)
    raise ExportFailed(f"A model of kind {model.kind!r} cannot be exported.")


def _over_all_classes(proto: ModelProto, model: Model) -> ModelProto:
    """The same with a column for every class: those absent from the fit get a little, of which the others give up."""
    whole = ModelProto()
    whole.CopyFrom(proto)
    for node in whole.graph.node:
        for names in (node.input, node.output):
            names[:] = [_PRESENT if name == ANSWER else name for name in names]
    absent = model.classes - len(model.present)
    little = 1.0 / (model.rows + model.classes)
    spread = np.zeros((len(model.present), model.classes))
    spread[range(len(model.present)), list(model.present)] = 1.0 - absent * little
    added = np.full((1, model.classes), little)
    added[0, list(model.present)] = 0.0
    graph = Graph("classes")
    placed = graph.add("MatMul", _PRESENT, graph.constant(spread))
    graph.add("Add", placed, graph.constant(added))
    graph.nodes[-1].output[0] = ANSWER
    whole.graph.node.extend(graph.nodes)
    whole.graph.initializer.extend(graph.initialisers)
    del whole.graph.output[:]
    whole.graph.output.append(answer_info(model.classes))
    return checked(whole)
