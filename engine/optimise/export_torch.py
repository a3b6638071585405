"""torch modules to ONNX: by the newer exporter if its graph proves right, else by the older one.

Neither is trusted. Axes that a graph declares open may have been fixed inside without a word, so a graph counts as
right when it answers rightly, which is for the caller to say. Of torch 2.13: the newer exporter fixes a batch of one,
and took 19 seconds for an LSTM whose length is open.
"""

import ast
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto
from torch import nn

from engine.optimise.core import ANSWER, OPSET, Core
from engine.optimise.errors import ExportFailed

Feeds: TypeAlias = Mapping[str, NDArray[Any]]
Axes: TypeAlias = Mapping[str, Mapping[int, str]]
"""By input: which of its axes are open, and their names."""
Judge: TypeAlias = Callable[[ModelProto], str]
"""Says in words why a model is not right; '' if it is."""
Exporter: TypeAlias = Callable[[nn.Module, Feeds, Axes], ModelProto]

_SCOPES = "pkg.torch.onnx.name_scopes"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOUD = (
    "torch.__trace",
    "torch.onnx",
    "torch.onnx._internal.exporter._registration",
    "torch.export",
    "onnxscript",
    "onnx_ir",
)


def export_module(newer: nn.Module, older: nn.Module, feeds: Feeds, axes: Axes, why_wrong: Judge) -> Core:
    """Export a module whose `forward(*inputs)` takes the values of `feeds` in their order and gives the answer.

    Args:
        newer: what the newer exporter is given, in evaluation mode.
        older: the same function, for the older one.
        feeds: a sample; its batch and its lengths should not be 1.
        axes: those that may differ from the sample's.
        why_wrong: the judge of what came out.

    Raises:
        ExportFailed: neither gave a right model. The sentence says why, of both.
    """
    model, why = _attempt(by_dynamo, newer, feeds, axes, why_wrong)
    if model is not None:
        return Core(model, "dynamo")
    model, why_older = _attempt(by_torchscript, older, feeds, axes, why_wrong)
    if model is not None:
        return Core(model, "torchscript", (f"Exported by torch's older exporter, since with the newer one {why}.",))
    raise ExportFailed(
        f"The network cannot be exported: with torch's newer exporter {why}; with the older one {why_older}.",
        "Use it as it is.",
    )


def by_dynamo(module: nn.Module, feeds: Feeds, axes: Axes) -> ModelProto:
    """What `torch.onnx.export(dynamo=True)` makes of a module, tidied; raises whatever that raises."""
    shapes = (tuple(dict(axes.get(name, {})) for name in feeds),)
    with _quiet():
        program = torch.onnx.export(
            module,
            _tensors(feeds),
            dynamo=True,
            input_names=list(feeds),
            output_names=[ANSWER],
            dynamic_shapes=shapes,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    model: ModelProto = program.model_proto
    for node in model.graph.node:
        node.name = _scope(node) + node.op_type
    return tidied(model)


def by_torchscript(module: nn.Module, feeds: Feeds, axes: Axes) -> ModelProto:
    """What `torch.onnx.export(dynamo=False)` makes of a module, tidied; raises whatever that raises."""
    buffer = io.BytesIO()
    batch = next((names[0] for names in axes.values() if 0 in names), None)
    open_axes = {name: dict(names) for name, names in axes.items()} | ({ANSWER: {0: batch}} if batch else {})
    with _quiet():
        torch.onnx.export(
            module,
            _tensors(feeds),
            buffer,
            dynamo=False,
            input_names=list(feeds),
            output_names=[ANSWER],
            dynamic_axes=open_axes,
            opset_version=OPSET,
        )
    model = onnx.load_from_string(buffer.getvalue())
    for node in model.graph.node:
        *scope, _ = node.name.strip("/").split("/")
        node.name = (f"{'.'.join(scope)}/" if scope else "") + node.op_type
    return tidied(model)


def _attempt(
    export: Exporter, module: nn.Module, feeds: Feeds, axes: Axes, why_wrong: Judge
) -> tuple[ModelProto | None, str]:
    """A right model and '', or None and why there is none."""
    try:
        model = export(module, feeds, axes)
    except Exception as error:  # exporters run all of a module and raise whatever it or they themselves can
        return None, _in_words(error)
    why = why_wrong(model)
    return (None, why) if why else (model, "")


def tidied(model: ModelProto) -> ModelProto:
    """Checked, of OPSET, with unique names of nodes and nothing that tells of the source files it came from."""
    version = next(entry.version for entry in model.opset_import if entry.domain == "")
    if version != OPSET:
        model = onnx.version_converter.convert_version(model, OPSET)
    seen: dict[str, int] = {}
    for node in model.graph.node:
        count = seen[node.name] = seen.get(node.name, -1) + 1
        node.name = f"{node.name}_{count}" if count else node.name
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("metadata_props")
        value.ClearField("doc_string")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("doc_string")
    model.ClearField("metadata_props")
    onnx.checker.check_model(model)
    return model


def _scope(node: NodeProto) -> str:
    """The innermost module that the newer exporter had a node from, and a stroke: 'trunks.0.net.entry/'."""
    text = next((entry.value for entry in node.metadata_props if entry.key == _SCOPES), "[]")
    modules = ast.literal_eval(text)[:-1]  # the last one is the operator itself
    known = [name for name in modules if name and not name.startswith("_")]
    return f"{known[-1]}/" if known else ""


def _tensors(feeds: Feeds) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(values)) for values in feeds.values())


def _in_words(error: BaseException) -> str:
    """The first line of what an error began with: the newer exporter's own is always the same."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = next((line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()), "")
    return f"there was {type(error).__name__}: {text[:200]}".rstrip(": .")


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters warn of their own insides and log which libraries are not there."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
