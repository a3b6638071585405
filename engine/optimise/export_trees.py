"""Forests and boosted trees as ONNX graphs, by the TreeEnsemble operator of ai.onnx.ml 5.

Everything is in float64, as in the libraries themselves: a float32 feature meets the very threshold that it met in
training, and sums of hundreds of leaves are not rounded on the way.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestRegressor

from engine.models.base import Floats
from engine.models.boosting import Boosted
from engine.models.forest import Forest
from engine.optimise.core import FEATURES, Core
from engine.optimise.errors import ExportFailed
from engine.optimise.export_dense import dense_core
from engine.optimise.graph import ML, Graph
from engine.optimise.tree_arrays import ZERO, BoostedTrees, Ints, Tree, boosted_trees, forest_tree

DEEPEST = 1_000
"""Splits on the way to a leaf. ONNX Runtime reads trees by recursion: 2,000 are well, at 20,000 the process dies."""

_LEQ, _MEMBER = 0, 6
_AVERAGE, _SUM = 0, 1


def trees_core(fitted: Forest | Boosted, width: int) -> Core:
    """The trees (of a booster its first `rounds` rounds) over FEATURES (rows, width).

    Codes of categories must be whole numbers, as all feature plans make them; any that is missing, negative or unseen
    goes where LightGBM sends it.

    Raises:
        ExportFailed: a booster of a kind that `engine.models.boosting` does not train, or a tree deeper than DEEPEST.
    """
    if isinstance(fitted, Boosted):
        return _boosted_core(boosted_trees(fitted.booster.model_to_string(num_iteration=fitted.rounds)), width)
    if isinstance(fitted.trees, RandomForestRegressor) or fitted.trees.n_classes_ == 2:
        return _one_number_core(fitted, width)
    return _shares_core(fitted, width)


def _boosted_core(boosted: BoostedTrees, width: int) -> Core:
    graph = Graph("trees")
    classes = boosted.outputs
    targets = [place % classes for place in range(len(boosted.trees))]
    cells = _without_zeros(graph, graph.to_float64(FEATURES), boosted.zero_is_missing, width)
    raw = _ensemble(graph, cells, boosted.trees, targets, classes, _SUM)
    if boosted.objective == "multiclass":
        return dense_core(graph, graph.add("Softmax", raw, axis=1), width, classes, "trees")
    if boosted.objective != "binary":
        return dense_core(graph, raw, width, 1, "trees")
    if boosted.steepness != 1.0:
        raw = graph.add("Mul", raw, graph.doubles([boosted.steepness]))
    return dense_core(graph, _both(graph, graph.add("Sigmoid", raw)), width, 2, "trees")


def _one_number_core(forest: Forest, width: int) -> Core:
    """Regression, or two classes: the mean over trees of the value, or of the second class's share."""
    graph = Graph("trees")
    classifies = not isinstance(forest.trees, RandomForestRegressor)
    trees = [forest_tree(tree.tree_, tree.tree_.value[:, 0, int(classifies)]) for tree in forest.trees.estimators_]
    mean = _ensemble(graph, graph.to_float64(FEATURES), trees, [0] * len(trees), 1, _AVERAGE)
    if not classifies:
        return dense_core(graph, mean, width, 1, "trees")
    return dense_core(graph, _both(graph, mean), width, 2, "trees")


def _shares_core(forest: Forest, width: int) -> Core:
    """More classes. A leaf of TreeEnsemble holds one number: here the row of a table of all shares that leaves have.

    Each tree has an output of its own; their rows (n, trees) are looked up and averaged over the trees.
    """
    graph = Graph("trees")
    table: dict[bytes, int] = {}
    trees = [forest_tree(tree.tree_, _rows_of(tree.tree_, table)) for tree in forest.trees.estimators_]
    classes = int(forest.trees.n_classes_)
    shares = np.frombuffer(b"".join(table), dtype=np.float64).reshape(-1, classes)
    found = _ensemble(graph, graph.to_float64(FEATURES), trees, range(len(trees)), len(trees), _SUM)
    rows = graph.add("Cast", found, to=TensorProto.INT32)
    each = graph.add("Gather", graph.constant(shares), rows, axis=0)
    mean = graph.add("ReduceMean", each, graph.whole([1]), keepdims=0)
    return dense_core(graph, mean, width, classes, "trees")


def _both(graph: Graph, second: str) -> str:
    """The probabilities of two classes (n, 2) from that of the second (n, 1)."""
    return graph.side_by_side([graph.add("Sub", graph.doubles([1.0]), second), second])


def _rows_of(tree: Any, table: dict[bytes, int]) -> Floats:  # noqa: ANN401
    """For each node of a tree of scikit-learn that is a leaf, the place of its shares in `table`, new ones added."""
    leaves = np.flatnonzero(tree.children_left < 0)
    shares = np.ascontiguousarray(tree.value[leaves, 0], dtype=np.float64)
    places = np.zeros(tree.node_count)
    places[leaves] = [table.setdefault(row.tobytes(), len(table)) for row in shares]
    return places


def _without_zeros(graph: Graph, cells: str, features: Ints, width: int) -> str:
    """NaN in place of what counts as 0, at these features."""
    if not len(features):
        return cells
    concerned = np.zeros((1, width), dtype=np.bool_)
    concerned[0, features] = True
    zero = graph.add("LessOrEqual", graph.add("Abs", cells), graph.doubles([ZERO]))
    missing = graph.add("And", zero, graph.constant(concerned))
    return graph.add("Where", missing, graph.doubles([np.nan]), cells)


def _ensemble(
    graph: Graph, cells: str, trees: Sequence[Tree], targets: Sequence[int], count: int, aggregate: int
) -> str:
    """The node over `cells`, and the name of its output float64 (rows, count). Each tree adds to one of `targets`."""
    deepest = max(tree.depth for tree in trees)
    if deepest > DEEPEST:
        raise ExportFailed(
            f"A tree of {deepest:,} splits from its root to a leaf is deeper than the {DEEPEST:,} that can be exported."
        )
    splits = np.cumsum([0, *(len(tree.features) for tree in trees)])
    leaves = np.cumsum([0, *(len(tree.leaves) for tree in trees)])
    name = "trees/TreeEnsemble"
    node = helper.make_node(
        "TreeEnsemble", [cells], [name], name=name, domain=ML, n_targets=count, aggregate_function=aggregate
    )
    _list(node, "tree_roots", splits[:-1])
    _list(node, "nodes_featureids", np.concatenate([tree.features for tree in trees]))
    _tensor(node, "nodes_splits", np.concatenate([tree.thresholds for tree in trees]))
    _list(node, "nodes_missing_value_tracks_true", np.concatenate([tree.nan_left for tree in trees]))
    for side, ways in (("true", [tree.left for tree in trees]), ("false", [tree.right for tree in trees])):
        shifted = [
            np.where(way < 0, ~way + leaf, way + split)
            for way, split, leaf in zip(ways, splits[:-1], leaves[:-1], strict=True)
        ]
        _list(node, f"nodes_{side}nodeids", np.concatenate(shifted))
        _list(node, f"nodes_{side}leafs", np.concatenate(ways) < 0)
    _list(node, "leaf_targetids", np.repeat(targets, np.diff(leaves)))
    _tensor(node, "leaf_weights", np.concatenate([tree.leaves for tree in trees]))
    _add_sets(node, trees)
    graph.nodes.append(node)
    return name


def _add_sets(node: NodeProto, trees: Sequence[Tree]) -> None:
    """How each split compares; the sets of those that do so with one, in their order and each ended by NaN."""
    modes, codes = [], []
    for tree in trees:
        mode = np.full(len(tree.features), _LEQ, dtype=np.uint8)
        for split in sorted(tree.sets):
            mode[split] = _MEMBER
            codes.append(np.append(tree.sets[split].astype(np.float64), np.nan))
        modes.append(mode)
    _tensor(node, "nodes_modes", np.concatenate(modes))
    if codes:
        _tensor(node, "membership_values", np.concatenate(codes))


def _list(node: NodeProto, name: str, values: NDArray[Any]) -> None:
    """An attribute of whole numbers, written at once: a forest has millions."""
    node.attribute.append(AttributeProto(name=name, type=AttributeProto.INTS, ints=values.astype(np.int64).tolist()))


def _tensor(node: NodeProto, name: str, values: NDArray[Any]) -> None:
    node.attribute.append(helper.make_attribute(name, numpy_helper.from_array(values, name)))
