"""Networks as ONNX cores: blocks of features in, answers out, the same to float32's noise at every size tried."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from engine.features import Matrix
from engine.features_layout import Layout, TextBlock
from engine.models.network import Network
from engine.nets.mixed import ImageTrunk, TableTrunk, TextTrunk
from engine.optimise.core import CODES, NUMBERS, Core, core_feeds, image_name, tokens_name
from engine.optimise.errors import ExportFailed
from engine.optimise.export_forms import RUNTIME_DOMAIN, runtime_form
from engine.optimise.export_net_check import sample_rows, why_unlike
from engine.optimise.export_torch import Axes, export_module
from engine.serving.runtime import Feeds

SAMPLE_ROWS = 3
SAMPLE_LENGTH = 5
"""Tokens in the sample that the exporters see: few, since they run the network on it, but more than one."""
_OWN_OPERATORS = "It has an operator of ONNX Runtime's own (attention), which other runtimes may not know."


def export_network(network: Network, *, check: Matrix | None = None) -> Core:
    """The network as it predicts, whatever mode it was left in; it is itself not touched.

    `network.net` may be any module with `trunks` and a `head` as `MixedNet` has them, narrower inside than its spec
    says. Compared with `Network.predict` on rows made up from the layout, and on the first ones of `check` (n, width)
    if given, before it is returned.

    Raises:
        ExportFailed: no exporter gives a model that answers alike.
    """
    still = replace(network, net=copy.deepcopy(network.net).cpu().eval().requires_grad_(False))
    layout = still.spec.layout
    sample = core_feeds(sample_rows(layout, SAMPLE_ROWS, SAMPLE_LENGTH), layout)
    core = export_module(
        CoreNet(still, fast=True).eval(),
        CoreNet(still, fast=False).eval(),
        sample,
        open_axes(layout, sample),
        lambda model: why_unlike(model, still, check),
    )
    own = any(entry.domain == RUNTIME_DOMAIN for entry in core.model.opset_import)
    return replace(core, notes=(*core.notes, _OWN_OPERATORS)) if own else core


class CoreNet(nn.Module):
    """A network from the inputs of a core to its answer. Its parts have the names of `MixedNet`'s."""

    def __init__(self, network: Network, *, fast: bool) -> None:
        """`fast`: text networks in the form that ONNX Runtime is fast at, which torch cannot run."""
        super().__init__()
        self.places: list[list[int]] = []
        names = _input_names(network.spec.layout)
        texts = images = 0
        self.trunks = nn.ModuleList()
        for trunk in network.net.trunks:
            if isinstance(trunk, TableTrunk):
                taken = [name for name in (NUMBERS, CODES) if name in names]
                self.trunks.append(_TablePart(trunk, taken))
            elif isinstance(trunk, TextTrunk):
                taken, texts = [tokens_name(texts)], texts + 1
                self.trunks.append(_Part(runtime_form(trunk.net) if fast else trunk.net))
            elif isinstance(trunk, ImageTrunk):
                taken, images = [image_name(images)], images + 1
                self.trunks.append(_Part(trunk.net))
            else:
                raise ExportFailed(f"A trunk of the type {type(trunk).__name__} cannot be exported.")
            self.places.append([names.index(name) for name in taken])
        self.head = network.net.head
        self.tail = _Tail(network)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The values of `core_feeds` in their order to ANSWER, float64 (N, classes) or (N, 1)."""
        parts = [
            trunk(*(inputs[place] for place in places)) for trunk, places in zip(self.trunks, self.places, strict=True)
        ]
        return self.tail(self.head(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)))


class _Part(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, values: Tensor) -> Tensor:
        return self.net(values)


class _TablePart(nn.Module):
    """Numbers (N, F) and codes (N, C), or either alone."""

    def __init__(self, trunk: TableTrunk, names: list[str]) -> None:
        super().__init__()
        self.net = trunk.net
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        numbers, codes = given.get(NUMBERS), given.get(CODES)
        if numbers is None:
            numbers = inputs[0][:, :0].float()
        if codes is None:
            codes = inputs[0][:, :0].long()
        return self.net(numbers, codes)


class _Tail(nn.Module):
    """What `Network.predict` does after the net, in float64 too."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.regression = network.regression
        # as buffers: the exporter would write numbers of Python as float32
        for name in ("temperature", "centre", "scale"):
            self.register_buffer(name, torch.tensor(getattr(network, name), dtype=torch.float64))

    def forward(self, outputs: Tensor) -> Tensor:
        """(N, outputs) to float64 of the same shape."""
        outputs = outputs.double()
        if self.regression:
            return outputs * self.scale + self.centre
        return torch.softmax(outputs / self.temperature, dim=1)


def open_axes(layout: Layout, sample: Feeds) -> Axes:
    """The batch everywhere, and the lengths of texts that can be longer than one token."""
    axes: dict[str, dict[int, str]] = {name: {0: "batch"} for name in sample}
    for place, block in enumerate(block for block in layout if isinstance(block, TextBlock)):
        if block.width > 1:
            axes[tokens_name(place)][1] = f"length_{place}"
    return axes


def _input_names(layout: Layout) -> list[str]:
    return list(core_feeds(sample_rows(layout, 1, 1), layout))
