"""Trees as plain arrays, read from scikit-learn's forests and from LightGBM's text format (its version v4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.models.base import Floats
from engine.optimise.errors import ExportFailed

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ZERO = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold: a feature that is no larger counts as 0."""

_BELOW_ZERO = float(np.nextafter(-ZERO, -np.inf))
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_ZERO_IS_MISSING, _NAN_IS_MISSING = 1, 2
_OBJECTIVES = ("binary", "multiclass", "regression", "regression_l1")
_WORD = 32


@dataclass(frozen=True)
class Tree:
    """One tree of n >= 1 splits, the first of which is its root.

    A row goes left where its feature is <= the threshold, or, at a split that `sets` has, where it is one of those
    codes; NaN goes left where `nan_left`. `left` and `right` are places of splits, or ~place of a leaf.
    """

    features: Ints
    thresholds: Floats
    left: Ints
    right: Ints
    nan_left: Flags
    leaves: Floats
    sets: Mapping[int, Ints] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Splits on the longest way to a leaf."""
        level, depth = np.zeros(1, dtype=np.int64), 0
        while len(level):
            depth += 1
            below = np.concatenate([self.left[level], self.right[level]])
            level = below[below >= 0]
        return depth


@dataclass(frozen=True)
class BoostedTrees:
    """The trees of a booster in their order, one after another for each of `outputs`, whose values are summed.

    `steepness` is what a binary sum is multiplied by before the sigmoid. At the features of `zero_is_missing`, 0 is
    as NaN.
    """

    trees: tuple[Tree, ...]
    objective: str
    outputs: int
    steepness: float
    zero_is_missing: Ints


def single_leaf(value: float) -> Tree:
    """A tree that gives one value for all rows, by a split with two leaves of that value.

    The way that ONNX has for such trees, one leaf on both sides, is misread by its reference implementation.
    """
    root = np.zeros(1, dtype=np.int64)
    return Tree(root, np.zeros(1), ~root, ~root - 1, root.astype(np.bool_), np.full(2, value))


def forest_tree(tree: Any, values: Floats) -> Tree:  # noqa: ANN401
    """A tree of scikit-learn (its `tree_`) with one of `values` (nodes,) at each leaf."""
    left, right = tree.children_left, tree.children_right
    leaf = left < 0
    if leaf[0]:
        return single_leaf(float(values[0]))
    # scikit-learn counts splits and leaves together
    place = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(~leaf) - 1).astype(np.int64)
    splits = ~leaf
    return Tree(
        features=tree.feature[splits].astype(np.int64), thresholds=tree.threshold[splits].astype(np.float64),
        left=place[left[splits]], right=place[right[splits]],
        nan_left=tree.missing_go_to_left[splits].astype(np.bool_), leaves=np.asarray(values[leaf], dtype=np.float64),
    )  # fmt: skip


def boosted_trees(text: str) -> BoostedTrees:
    """Read `Booster.model_to_string`.

    Raises:
        ExportFailed: an objective, a way of averaging or linear leaves that `engine.models.boosting` does not use.
    """
    head, *blocks = text.split("\nTree=")
    lines = head.splitlines()
    fields = _fields(lines)
    objective, *options = fields.get("objective", "none").split()
    settings = dict(option.partition(":")[::2] for option in options)
    if objective not in _OBJECTIVES or "sqrt" in settings or "average_output" in lines:
        raise ExportFailed(f"Boosted trees with the objective {fields.get('objective')!r} are not exported.")
    read = [_boosted_tree(_fields(block.partition("\n\n")[0].splitlines())) for block in blocks]
    zeros = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(zero for _, zero in read)]))
    return BoostedTrees(
        trees=tuple(tree for tree, _ in read), objective=objective, outputs=int(fields["num_tree_per_iteration"]),
        steepness=float(settings.get("sigmoid", 1.0)), zero_is_missing=zeros,
    )  # fmt: skip


def _boosted_tree(fields: Mapping[str, str]) -> tuple[Tree, Ints]:
    """One tree, and the features at whose splits 0 is missing."""
    if fields.get("is_linear", "0") != "0":
        raise ExportFailed("Boosted trees with linear models in their leaves are not exported.")
    leaves = _floats(fields["leaf_value"])
    if fields["num_leaves"] == "1":
        return single_leaf(float(leaves[0])), np.zeros(0, dtype=np.int64)
    features, thresholds = _whole(fields["split_feature"]), _floats(fields["threshold"])
    decisions = _whole(fields["decision_type"])
    categorical = (decisions & _CATEGORICAL) > 0
    missing = np.where(categorical, 0, decisions >> 2 & 3)
    # without missing values of its own a split takes NaN for 0, and among categories NaN is never one of the set
    nan_left = np.where(missing == 0, thresholds >= 0, (decisions & _DEFAULT_LEFT) > 0) & ~categorical
    tree = Tree(
        features=features, thresholds=np.where(categorical, 0.0, _around_zero(thresholds)),
        left=_whole(fields["left_child"]), right=_whole(fields["right_child"]), nan_left=nan_left, leaves=leaves,
        sets={int(split): _set_of(fields, int(thresholds[split])) for split in np.flatnonzero(categorical)},
    )  # fmt: skip
    assert set(np.unique(missing)) <= {0, _ZERO_IS_MISSING, _NAN_IS_MISSING}
    return tree, np.unique(features[missing == _ZERO_IS_MISSING])


def _around_zero(thresholds: Floats) -> Floats:
    """Thresholds that send what counts as 0 where LightGBM sends it, which looks at such a feature as exactly 0."""
    zero_left = np.where((thresholds >= 0) & (thresholds < ZERO), ZERO, thresholds)
    return np.where((thresholds < 0) & (thresholds >= -ZERO), _BELOW_ZERO, zero_left)


def _set_of(fields: Mapping[str, str], number: int) -> Ints:
    """The codes of the categorical split of this number, kept as a set of bits in words of 32."""
    bounds = _whole(fields["cat_boundaries"])
    words = np.array(fields["cat_threshold"].split(), dtype=np.uint32)[bounds[number] : bounds[number + 1]]
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits).astype(np.int64)


def _fields(lines: Sequence[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _whole(text: str) -> Ints:
    return np.array(text.split(), dtype=np.int64)


def _floats(text: str) -> Floats:
    return np.array(text.split(), dtype=np.float64)
