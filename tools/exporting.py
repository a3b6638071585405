"""export_model: one ONNX file of a model, checked on real rows."""

import gzip
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadArguments, HomeNotWritable
from engine.files import typed_disk_errors, write_atomic
from engine.optimise.spec import Optimisation
from engine.package_info import PackageFiles
from tools.finding import find_dataset
from tools.optimise import ExportedModel, ExportModelRequest, ModelInput
from tools.packages import find_package
from tools.spec import Estimate, ToolSpec

if TYPE_CHECKING:
    from engine.package_info import PackageInfo
    from engine.serving.runtime_spec import Input
    from tools.workshop import Workshop


def export_model(workshop: "Workshop", request: ExportModelRequest) -> ExportedModel:
    """Write one ONNX file; nothing is written where it does not answer as the model does.

    Raises:
        NotFound, PackageDamaged: no such model, or the dataset that it was trained on is gone.
        BadArguments: `out` does not end in .onnx, lies in no folder, or is a file to keep.
        ExportFailed: no exporter gives a model that answers alike.
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    from engine.optimise.compose import compose, write_onnx
    from engine.optimise.export_core import core_of
    from engine.optimise.making import threshold_of
    from engine.optimise.parity import check_parity, require_parity
    from engine.optimise.rows import rows_of
    from engine.optimise.source import open_source
    from engine.serving.runtime import load_runtime

    out = _checked_out(workshop, request)
    record, info = find_package(workshop, request.model)
    if any((record.package / name).is_file() for name in (PackageFiles.ONNX, PackageFiles.PACKED)):
        return _copied(record.package, info, out)
    source = open_source(record.package)
    dataset = find_dataset(workshop, info.lineage.dataset)
    rows = rows_of(workshop.datasets.training_frame(dataset.id), info, workshop.runs / info.run_id, 0)
    cores = [core_of(member.model, member.plan) for member in source.members]
    parts = [
        (member.plan, core, weight) for member, core, weight in zip(source.members, cores, source.weights, strict=True)
    ]
    composed = compose(parts, regression=source.regression)
    with typed_disk_errors(workshop.home), tempfile.TemporaryDirectory(dir=workshop.home, prefix=".export-") as aside:
        folder = Path(aside)
        write_onnx(
            folder, composed, regression=source.regression, weights=source.weights, classes=info.classes,
            metadata=threshold_of(info),
        )  # fmt: skip
        scale = float(rows.y_train.std()) or 1.0 if source.regression else 1.0
        parity = check_parity(
            load_runtime(folder), source.runtime, rows.guard, regression=source.regression, scale=scale
        )  # fmt: skip
        require_parity(parity)
        _write(out, (folder / PackageFiles.ONNX).read_bytes())
    return ExportedModel(
        model=info.model_id,
        out=str(out),
        size_mb=round(out.stat().st_size / 1e6, 4),
        exporters=tuple(dict.fromkeys(core.exporter for core in cores)),
        inputs=_inputs(composed.inputs),
        output=_output(info),
        split=composed.split,
        parity=parity.largest,
        tolerance=parity.tolerance,
        rows=parity.rows,
        notes=tuple(dict.fromkeys(note for core in cores for note in core.notes)),
    )


def _copied(package: Path, info: "PackageInfo", out: Path) -> ExportedModel:
    """The file of a model that is one already, unpacked where it lies packed."""
    from engine.serving.runtime_spec import OnnxRuntimeSpec, RuntimeFile

    packed, plain = package / PackageFiles.PACKED, package / PackageFiles.ONNX
    _write(out, plain.read_bytes() if plain.is_file() else gzip.decompress(packed.read_bytes()))
    runtime = RuntimeFile.model_validate_json((package / PackageFiles.RUNTIME).read_bytes()).runtime
    table = Optimisation.model_validate_json((package / PackageFiles.OPTIMISATION).read_bytes())
    assert isinstance(runtime, OnnxRuntimeSpec)
    assert info.optimised is not None
    parity = table.variant(info.optimised.variant).parity
    assert parity is not None
    source = info.optimised.model
    return ExportedModel(
        model=info.model_id,
        out=str(out),
        size_mb=round(out.stat().st_size / 1e6, 4),
        exporters=(info.optimised.variant,),
        inputs=_inputs(runtime.inputs),
        output=_output(info),
        split=runtime.split,
        parity=0.0,
        tolerance=parity.tolerance,
        rows=0,
        notes=(
            f"It is {info.optimised.variant!r} of {source}, whose answers it gives to within {parity.largest:.2g} on "
            f"{parity.rows:,} rows.",
        ),
    )


def _write(out: Path, content: bytes) -> None:
    try:
        write_atomic(out, content)
    except (OSError, HomeNotWritable) as error:  # a place that says it can be written to, such as /proc
        raise BadArguments(f"{str(out)!r} cannot be written ({type(error).__name__}).", "Write elsewhere.") from error


def _checked_out(workshop: "Workshop", request: ExportModelRequest) -> Path:
    """Where to write: a file in the home is ours to replace."""
    if request.out is None:
        record, _ = find_package(workshop, request.model)
        folder = workshop.home / "exports"
        with typed_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{record.name}-{record.version}.onnx"
    out = Path(request.out).expanduser()
    if out.suffix != ".onnx":
        raise BadArguments(f"{request.out!r} does not end in .onnx.", "Give the file that name.")
    if not out.parent.is_dir():
        raise BadArguments(f"There is no folder {str(out.parent)!r}.", "Make it first, or write elsewhere.")
    if out.is_dir():
        raise BadArguments(f"{request.out!r} is a folder.", "Give the name of a file.")
    if not os.access(out.parent, os.W_OK):
        raise BadArguments(f"Nothing can be written to {str(out.parent)!r}.", "Write elsewhere.")
    if out.exists() and not request.overwrite:
        raise BadArguments(f"{request.out!r} is there already.", "Give another name, or ask for it to be overwritten.")
    return out


_WHAT = {
    "numbers": "float64 (rows, columns), NaN for missing",
    "texts": "strings (rows, columns), '' for missing",
    "moments": "int64 (rows, columns), microseconds since 1970 UTC, -2^63 for missing",
    "block": "float32 (rows, features) that Python computes",
    "tokens": "int64 (rows, tokens) that Python computes, 0 at the end for padding",
}


def _inputs(inputs: "Sequence[Input]") -> tuple[ModelInput, ...]:
    return tuple(
        ModelInput(
            name=entry.name,
            what=_WHAT[entry.kind],
            columns=entry.columns,
        )
        for entry in inputs
    )


def _output(info: "PackageInfo") -> str:
    if info.task == "regression":
        return "'answer': float64 (rows, 1), the values"
    output = f"'answer': float64 (rows, {len(info.classes)}), the probabilities of {', '.join(info.classes)}"
    if info.task != "binary" or info.threshold == 0.5:
        return output
    return f"{output}; {info.classes[1]!r} is the answer from a probability of {info.threshold:.4g}"


def estimate_of_export(_: "Workshop", __: ExportModelRequest) -> Estimate:
    """Exporting a network takes up to 25 s, most of it for loading the exporter."""
    return Estimate(seconds=25.0, memory_mb=1_000.0)


TOOLS = (
    ToolSpec(
        name="export_model",
        description="Write a registered model as one ONNX file, feature plan included as far as a graph can, checked "
        "on real rows to answer as the model does. Says what is left to Python.",
        request=ExportModelRequest,
        result=ExportedModel,
        function=export_model,
        effect="write",
        estimate=estimate_of_export,
    ),
)
