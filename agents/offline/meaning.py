"""What a message is like: its sentence embedding beside those of labelled examples.

The vectors of the examples ship as a file, because to compute them takes seconds. A file that does not fit the examples
is not used: they are computed then, once. Without the weights (see rag.embed) there is no likeness, and rules decide.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from agents.offline.labelled import EXAMPLES, Example, known_in, read_examples
from agents.offline.reading import read_slots
from rag.embed import Array, Embedder, open_embedder

VECTORS = Path(__file__).with_name("examples.npz")
_REMEMBERED = 4_096
"""Messages whose vectors are kept: a conversation is read from its beginning at every step."""
_NEIGHBOURS = 2
_PLACEHOLDER = re.compile(r"(?<!\w)_([a-z]+(?:_[a-z]+)?)\d*_(?!\w)")


class Meaning:
    """Likeness of a text to each kind of request: the mean of its two nearest examples of that kind, in [-1, 1]."""

    def __init__(self, embedder: Embedder, examples: Sequence[Example], vectors: Array) -> None:
        self.vectors = vectors
        self._kinds = np.array([example.intent for example in examples])
        self.examples = tuple(examples)
        self._embed = lru_cache(_REMEMBERED)(lambda text: embedder.embed([text])[0])

    def likeness(self, rest: str, besides: int | None = None) -> Mapping[str, float]:
        """By kind, of a message with placeholders. `besides` is the place of an example that does not count."""
        near = self.vectors @ self._embed(spoken(rest))
        if besides is not None:
            near[besides] = -1.0
        kinds = {str(kind): near[self._kinds == kind] for kind in np.unique(self._kinds)}
        return {kind: float(np.sort(values)[-_NEIGHBOURS:].mean()) for kind, values in kinds.items()}

    def nearest(self, rest: str, kinds: frozenset[str]) -> Example:
        """The example of one of `kinds` that is most like the message."""
        near = np.where(np.isin(self._kinds, sorted(kinds)), self.vectors @ self._embed(spoken(rest)), -1.0)
        return self.examples[int(near.argmax())]


def spoken(rest: str) -> str:
    """A message with its placeholders as plain words: 'predict _source_' is 'predict source'."""
    return " ".join(_PLACEHOLDER.sub(lambda match: match.group(1).replace("_", " "), rest).lower().split())


@cache
def open_meaning() -> Meaning | None:
    """The examples that ship with their vectors; None without the weights."""
    embedder = open_embedder()
    if embedder is None:
        return None
    examples = [example for example in read_examples() if len(example.intents) == 1]
    stored = _stored(VECTORS)
    vectors = embedded(embedder, examples) if stored is None else stored
    return Meaning(embedder, examples, vectors)


def embedded(embedder: Embedder, examples: Sequence[Example]) -> Array:
    """One row for each example, as it is read where it is said."""
    texts = []
    for example in examples:
        known, _ = known_in(example.context)
        texts.append(spoken(read_slots(example.text, known.all_column_names()).rest))
    return embedder.embed(texts)


def store_vectors(embedder: Embedder, path: Path = VECTORS) -> None:
    """Write the vectors of the examples that ship."""
    examples = [example for example in read_examples() if len(example.intents) == 1]
    np.savez_compressed(path, vectors=embedded(embedder, examples).astype(np.float16), digest=np.array(_digest()))


def _stored(path: Path) -> Array | None:
    """The vectors of a file; None where there is none, or it was made of other examples."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        return file["vectors"].astype(np.float32) if str(file["digest"]) == _digest() else None


def _digest() -> str:
    return hashlib.sha256(EXAMPLES.read_bytes()).hexdigest()
