"""Build, save and open the index: a folder of JSON and plain numpy arrays, never pickle.

    index.json       counts, settings, fingerprint of the documents
    documents.jsonl  the documents, text included: citations are checked against it
    chunks.jsonl     document, start, end, headings of each chunk
    bm25/            term scores as sparse arrays (.npy without pickle) and the vocabulary (JSON)

The folder is replaced as a whole, so a crash while indexing leaves the old index readable.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bm25s
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import EmptySource, IndexDamaged, MillwrightError, NotFound
from engine.files import atomic_folder, write_json
from rag.chunk import TARGET, Chunk, chunk_document
from rag.load import Document
from rag.words import terms

FORMAT = 1


class IndexInfo(BaseModel):
    """What `index.json` says. `fingerprint` is the SHA-256 of all documents' ids and texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    documents: int
    chunks: int
    terms: int
    chunk_characters: int
    fingerprint: str


@dataclass(frozen=True)
class Index:
    """An open index. `chunks[i]` is row i of the scores."""

    info: IndexInfo
    documents: Mapping[str, Document]
    chunks: Sequence[Chunk]
    ranking: bm25s.BM25

    def text(self, chunk: Chunk) -> str:
        """The chunk's characters, letter for letter."""
        return self.documents[chunk.doc].text[chunk.start : chunk.end]

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """BM25 score of each chunk for query terms, shape (chunks,), float32; zeros for unknown terms."""
        known = [term for term in query if term in self.ranking.vocab_dict]
        if not known:
            return np.zeros(len(self.chunks), dtype=np.float32)
        return np.asarray(self.ranking.get_scores(known), dtype=np.float32)

    def rarity(self, term: str) -> float:
        """How telling a term is: log of chunks over chunks that have it; the most for a term that is nowhere."""
        having = self._occurrences.get(term, 0)
        return float(np.log(1 + (len(self.chunks) - having + 0.5) / (having + 0.5)))

    @cached_property
    def _occurrences(self) -> dict[str, int]:
        counts = np.diff(self.ranking.scores["indptr"])
        return {term: int(counts[row]) for term, row in self.ranking.vocab_dict.items() if row < len(counts)}


def build_index(folder: Path, documents: Iterable[Document], chunk_characters: int = TARGET) -> IndexInfo:
    """Index the documents in `folder`, replacing what was there; the same documents again change nothing.

    Raises:
        EmptySource: no document, or no word in any.
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    unique = {document.id: document for document in documents}
    chunks = [chunk for document in unique.values() for chunk in chunk_document(document, chunk_characters)]
    words = [terms(f"{chunk.breadcrumb}\n{unique[chunk.doc].text[chunk.start : chunk.end]}") for chunk in chunks]
    if not any(words):
        raise EmptySource(str(folder))
    fingerprint = _fingerprint(unique.values())
    if _is_current(folder, fingerprint, chunk_characters):
        return read_info(folder)
    ranking = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    ranking.index(words, show_progress=False)
    info = IndexInfo(
        documents=len(unique),
        chunks=len(chunks),
        terms=len(ranking.vocab_dict),
        chunk_characters=chunk_characters,
        fingerprint=fingerprint,
    )
    with atomic_folder(folder) as aside:
        _write_lines(aside / "documents.jsonl", unique.values())
        _write_lines(aside / "chunks.jsonl", chunks)
        ranking.save(aside / "bm25", allow_pickle=False, show_progress=False)
        write_json(aside / "index.json", info.model_dump())
    return info


def read_info(folder: Path) -> IndexInfo:
    """What is in the index, without opening it.

    Raises:
        NotFound: nothing is indexed.
        IndexDamaged: it is there and cannot be read.
    """
    try:
        info = IndexInfo.model_validate_json((folder / "index.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound("index", folder.name, hint="Index some documents first.") from error
    except ValidationError as error:
        raise IndexDamaged(folder, "index.json is not what it should be") from error
    if info.format != FORMAT:
        raise IndexDamaged(folder, f"it has format {info.format}, this version reads {FORMAT}")
    return info


def open_index(folder: Path) -> Index:
    """Open an index made by `build_index`.

    Raises:
        NotFound: nothing is indexed.
        IndexDamaged: a file is missing or is not what it should be.
    """
    info = read_info(folder)
    try:
        documents = [Document.model_validate_json(line) for line in _lines(folder / "documents.jsonl")]
        chunks = [Chunk.model_validate_json(line) for line in _lines(folder / "chunks.jsonl")]
        ranking = bm25s.BM25.load(folder / "bm25", allow_pickle=False, show_progress=False)
    except (OSError, ValueError, KeyError) as error:  # pydantic's and json's errors are ValueErrors
        raise IndexDamaged(folder, str(error).splitlines()[0]) from error
    if (len(documents), len(chunks)) != (info.documents, info.chunks) or ranking.scores["num_docs"] != info.chunks:
        raise IndexDamaged(folder, "its parts do not belong together")
    return Index(info, {document.id: document for document in documents}, chunks, ranking)


def _is_current(folder: Path, fingerprint: str, chunk_characters: int) -> bool:
    try:
        info = open_index(folder).info
    except MillwrightError:
        return False
    return info.fingerprint == fingerprint and info.chunk_characters == chunk_characters


def _fingerprint(documents: Iterable[Document]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.id, document.text, document.title]).encode())
    return digest.hexdigest()


def _write_lines(path: Path, rows: Iterable[BaseModel]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(row.model_dump_json() + "\n" for row in rows)


def _lines(path: Path) -> list[str]:
    """Lines of a file we wrote; only '\\n' ends a line, since texts may hold other Unicode line ends."""
    *lines, rest = path.read_text("utf-8").split("\n")
    if rest:
        raise ValueError(f"{path.name} is cut off")
    return lines
