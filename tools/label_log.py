"""True values of logged predictions: read, joined by row id, and told of where nothing can be measured by them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.data.cells import clip
from engine.errors import BadArguments, NotFound
from tools.drift import LabelsLogged, LogLabelsRequest
from tools.finding import is_source
from tools.packages import find_package
from tools.prediction_log import usual_id_column
from tools.spec import ToolSpec, costs_nothing

if TYPE_CHECKING:
    import pandas as pd

    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

LABEL = "label"
ROW_ID = "row_id"
TRUTHS = {"True": "1", "False": "0"}
"""How a target of 0 and 1 may be told."""


def log_labels(workshop: "Workshop", request: LogLabelsRequest) -> LabelsLogged:
    """Join true values to logged predictions by row id.

    Raises:
        NotFound, DataError: no such monitor or data.
        BadArguments: not exactly one of data and rows, a column that is not there, or a blank id or label.
    """
    monitor = workshop.monitoring.monitors.get(request.monitor)
    frame = _label_rows(workshop, request)
    record, info = find_package(workshop, monitor.reference)
    label_column = request.label_column or (info.target if info.target in frame.columns else LABEL)
    usual = ROW_ID if ROW_ID in frame.columns else usual_id_column(workshop, info, list(frame.columns))
    id_column = request.id_column or usual or ROW_ID
    for name in (id_column, label_column):
        if name not in frame.columns:
            columns = ", ".join(str(column) for column in frame.columns[:20])
            raise BadArguments(
                f"There is no column {name!r} with the {'ids' if name == id_column else 'labels'}.",
                f"Give `id_column` and `label_column`; the columns are: {columns}.",
            )
    known = frame[frame[label_column].notna()]
    labels = [_comma(value) if info.target_decimal_comma else _text(value) for value in known[label_column]]
    if info.target_kind in {"number", "integer"} and set(labels) <= set(TRUTHS):
        labels = [TRUTHS[label] for label in labels]
    ids = [_text(value) for value in known[id_column]]
    found = workshop.monitoring.monitors.labels.label(monitor.id, ids, labels, workshop.now())
    notes = [f"Ids without a row yet, e.g.: {', '.join(found.examples)}."] if found.unknown else []
    blank = len(frame) - len(known)
    notes += [f"{blank:,} row(s) without a label are left out."] if blank else []
    notes += _strange(record, info, labels)
    return LabelsLogged(
        monitor=monitor.name, joined=found.joined, changed=found.changed, waiting=found.unknown, notes=tuple(notes)
    )


def _strange(record: "ModelRecord", info: "PackageInfo", labels: Sequence[str]) -> list[str]:
    """That some labels are none that the model knows: they are kept, and nothing can be measured by them."""
    import numpy as np
    import pandas as pd

    from tools.drift_rows import Watched

    _, truth = Watched(record, info).labels(pd.Series(labels, dtype=object))
    known = np.isfinite(truth) if info.task == "regression" else truth >= 0
    unknown = [label for label, is_known in zip(labels, known.tolist(), strict=True) if not is_known]
    if not unknown:
        return []
    examples = ", ".join(repr(clip(label)) for label in list(dict.fromkeys(unknown))[:3])
    return [f"{len(unknown):,} label(s) are none that the model knows, e.g. {examples}: they are kept, not measured."]


def _label_rows(workshop: "Workshop", request: LogLabelsRequest) -> "pd.DataFrame":
    import pandas as pd

    if (request.data is None) == (not request.rows):
        raise BadArguments("log_labels needs exactly one of `data` and `rows`.", "Give a file, or some rows.")
    if request.data is None:
        return pd.DataFrame.from_records(list(request.rows))
    if is_source(request.data):
        return workshop.datasets.read_rows(request.data)
    try:
        return workshop.datasets.training_frame(workshop.datasets.get(request.data).id)
    except NotFound:
        return workshop.datasets.read_rows(request.data)


def _text(value: object) -> str:
    from engine.data.cells import cell_text

    return cell_text(value) or ""


def _comma(value: object) -> str:
    """A number as the source of the model's target writes it, where 1.234 is more than a thousand."""
    import numpy as np

    if not isinstance(value, float):
        return _text(value)
    return np.format_float_positional(value, trim="-").replace(".", ",")


TOOLS = (
    ToolSpec(
        name="log_labels",
        description="Tell the true values of logged predictions by row id, from a file or inline, whenever they come: "
        "before or after the rows, in any order; a corrected label replaces the old one. With them a monitor measures "
        "how well the model does, and a retraining has something to learn from.",
        request=LogLabelsRequest,
        result=LabelsLogged,
        function=log_labels,
        effect="compute",
        estimate=costs_nothing,
    ),
)
