"""Sentence embeddings in NumPy, held against the same network written in torch."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.embed import DIMENSIONS, LONGEST, PACKAGE, Embedder, absence, installed, open_embedder

TEXTS = (
    "Which customers will leave us next month?",
    "Who is going to churn?",
    "The weather in Hamburg is fine today.",
    "x",
    "",
    "naïve Ünïcödé text – with “quotes” and 漢字",
)
without_weights = pytest.mark.skipif(absence() is not None, reason=absence() or "")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    opened = open_embedder()
    assert opened is not None
    return opened


def in_torch(texts: tuple[str, ...]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """BERT as published, over the same files: padded batches, a mask, torch's own attention, layer norm and gelu."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from torch.nn import functional

    place = installed()
    assert place is not None
    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(LONGEST)
    weights = load_file(place / "model.safetensors")
    encoded = tokenizer.encode_batch(list(texts))
    ids = torch.tensor([one.ids for one in encoded])
    mask = torch.tensor([one.attention_mask for one in encoded])

    def linear(inputs: "torch.Tensor", name: str) -> "torch.Tensor":
        return functional.linear(inputs, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(inputs: "torch.Tensor", name: str) -> "torch.Tensor":
        return functional.layer_norm(inputs, (DIMENSIONS,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    hidden = functional.embedding(ids, weights["embeddings.word_embeddings.weight"])
    hidden = hidden + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    hidden = norm(hidden + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(hidden, f"{name}.attention.self.{part}").unflatten(-1, (12, 32)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :].bool())
        attended = linear(attended.transpose(1, 2).flatten(2), f"{name}.attention.output.dense")
        hidden = norm(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = linear(functional.gelu(linear(hidden, f"{name}.intermediate.dense")), f"{name}.output.dense")
        hidden = norm(hidden + inner, f"{name}.output.LayerNorm")
    shares = mask[:, :, None].float()
    mean = (hidden * shares).sum(1) / shares.sum(1)
    return np.asarray(functional.normalize(mean, dim=1).numpy(), np.float32)


@without_weights
def test_the_vectors_are_those_of_the_same_network_in_torch(embedder: Embedder) -> None:
    texts = (*TEXTS, "word " * 600)
    assert np.abs(embedder.embed(texts) - in_torch(texts)).max() < 1e-5


@without_weights
def test_rows_are_unit_vectors_in_the_order_of_the_texts_and_alone_the_same(embedder: Embedder) -> None:
    rows = embedder.embed(TEXTS)
    assert rows.shape == (len(TEXTS), DIMENSIONS)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    for place, text in enumerate(TEXTS):
        assert np.allclose(embedder.embed([text])[0], rows[place], atol=1e-6)
    assert embedder.embed([]).shape == (0, DIMENSIONS)


@without_weights
def test_paraphrases_are_nearer_than_strangers(embedder: Embedder) -> None:
    leave, churn, weather = embedder.embed(TEXTS[:3])
    assert leave @ churn > leave @ weather + 0.2


def test_without_the_files_there_is_no_embedder_and_it_is_said_why(tmp_path: Path) -> None:
    assert open_embedder(tmp_path) is None
    assert "does not exist" in str(absence(tmp_path))


@without_weights
def test_other_weights_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    place = installed()
    assert place is not None
    shutil.copy(place / "tokenizer.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    assert open_embedder(tmp_path) is None
    assert "hash" in str(absence(tmp_path))


@without_weights
def test_neither_torch_nor_the_package_is_imported() -> None:
    code = (
        "import sys; from rag.embed import open_embedder; open_embedder().embed(['a']); "
        f"print([name for name in ('torch', 'transformers', {PACKAGE!r}) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
