"""The process beside the worker: it registers where the worker will look."""

import io
import json
from pathlib import Path

from engine.registry import Registry
from tools.registrar import Enrolment, answer
from tools.workshop import Workshop


def test_a_model_is_registered_in_the_index_that_the_worker_reads(trained: Workshop, home: Path) -> None:
    model = trained.registry.get("cancer")
    index = f"sqlite:///{home / 'elsewhere.db'}"
    enrolment = Enrolment(
        run_id=model.run_id, model_id=model.model_id, name="cancer", dataset="ds_1", package=str(model.package),
        params={}, metrics={"test_roc_auc": 0.9},
    )  # fmt: skip
    replies = io.StringIO()
    answer([json.dumps({"home": str(home), "index": index}), enrolment.model_dump_json()], replies)
    assert json.loads(replies.getvalue()) == {"failure": None}
    assert Registry(home, index=index).get("cancer").model_id == model.model_id
    assert Registry(home).list() == []
