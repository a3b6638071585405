"""Find the passages that a query asks for."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from rag.index import Index
from rag.words import terms


class Hit(BaseModel):
    """Characters [start, end) of a document; `text` is exactly those characters. `score` is BM25, 0 and up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    doc: str
    title: str
    path: tuple[str, ...]
    start: int
    end: int
    score: float
    text: str


def retrieve(index: Index, query: str, limit: int = 5) -> list[Hit]:
    """At most `limit` hits, best first; equal scores in document order. Nothing when no word of the query occurs."""
    scores = index.scores(terms(query))
    order = np.argsort(-scores, kind="stable")[:limit]
    return [_hit(index, int(row), float(scores[row])) for row in order if scores[row] > 0]


def _hit(index: Index, row: int, score: float) -> Hit:
    chunk = index.chunks[row]
    return Hit(
        doc=chunk.doc,
        title=index.documents[chunk.doc].title,
        path=chunk.path,
        start=chunk.start,
        end=chunk.end,
        score=score,
        text=index.text(chunk),
    )
