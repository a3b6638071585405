"""The four kinds of networks and an ensemble with trees, from training to a package that answers from raw rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.serving.predictor import load
from millwright.compose import inline_workshop
from millwright.settings import JobSettings, Settings
from tools.optimise import OptimisedModel, VariantRow
from tools.workshop import Workshop

WORDS = {
    "yes": ["win", "free", "prize", "cash", "claim", "now", "urgent", "call", "reward", "offer"],
    "no": ["home", "dinner", "later", "meeting", "tomorrow", "thanks", "love", "train", "work", "sorry"],
}


def letters(path: Path, rows: int = 700) -> str:
    """Messages of two kinds of words, which a text network learns in seconds."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(rows) < 0.4, "yes", "no")
    texts = [
        " ".join(rng.choice(WORDS[label] + WORDS["no" if label == "yes" else "yes"][:3], rng.integers(3, 25)))
        for label in labels
    ]
    pd.DataFrame({"text": texts, "label": labels}).to_csv(path, index=False)
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["network", "lstm", "encoder", "resnet", "ensemble"])
def test_a_kind_is_exported_quantised_verified_and_packaged(home: Path, tmp_path: Path, kind: str) -> None:
    workshop = inline_workshop(Settings(home=home, jobs=JobSettings(threads=2)))
    source = {"network": "sample:churn", "ensemble": "sample:churn", "resnet": "sample:digits_images"}.get(kind)
    read = {"source": source} if source else {"source": letters(tmp_path / "l.csv"), "kinds": {"text": "text"}}
    dataset = workshop.call("import_dataset", **read, target=None if source else "label").model_dump()["dataset"]
    models = ("linear", "lightgbm", "forest") if kind == "ensemble" else (kind,)
    model = workshop.call("train_model", dataset=dataset, models=models, budget_seconds=20).model_dump()["model"]
    variants = ("onnx-int8-dynamic", "onnx-int8-static")
    found = workshop.call("optimise_model", model=model, variants=variants, max_drop=0.1, budget_seconds=60)
    assert isinstance(found, OptimisedModel)
    check_table(found, kind)
    check_answers(workshop, model, found, dataset)


def check_table(found: OptimisedModel, kind: str) -> None:
    onnx, static = row(found, "onnx"), row(found, "onnx-int8-static")
    assert onnx.status == "ok", onnx
    assert onnx.parity is not None
    assert onnx.parity <= 2e-5
    if kind == "ensemble":
        assert static.status == "not applicable"
    else:
        assert static.status == "ok", static
        assert static.size_mb is not None
        assert onnx.size_mb is not None
        assert static.size_mb < 0.6 * onnx.size_mb
    assert row(found, "onnx-int8-dynamic").status == {"resnet": "refused", "ensemble": "not applicable"}.get(kind, "ok")


def check_answers(workshop: Workshop, model: str, found: OptimisedModel, dataset: str) -> None:
    rows = workshop.datasets.training_frame(dataset).head(100)
    before = load(workshop.registry.get(model).package).predict(rows)
    after = load(workshop.registry.get(found.model).package).predict(rows)
    assert (before.labels == after.labels).mean() >= 0.9


def row(found: OptimisedModel, name: str) -> VariantRow:
    return next(row for row in found.variants if row.name == name)
