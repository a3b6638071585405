"""The index is saved without pickle, opened as it was, and replaced whole or not at all."""

import json
from pathlib import Path

import pytest

from engine.errors import EmptySource, IndexDamaged, NotFound
from rag.index import Index, build_index, open_index, read_info
from rag.load import Document
from rag.retrieve import retrieve
from rag.words import terms


def test_a_name_is_found_by_itself_and_by_its_parts() -> None:
    assert terms("the sklearn.StandardScaler") == ["sklearn.standardscaler", "sklearn", "standard", "scaler"]


def test_the_right_passage_comes_first_and_its_text_is_the_span(index: Index) -> None:
    hits = retrieve(index, "which error needs no validation set?")
    assert (hits[0].doc, hits[0].path) == ("forest.md", ("Random forest", "Out-of-bag error"))
    assert hits[0].score >= hits[-1].score > 0
    for hit in hits:
        assert index.documents[hit.doc].text[hit.start : hit.end] == hit.text


def test_a_camel_case_name_is_found_in_plain_words(index: Index) -> None:
    assert retrieve(index, "standard scaler")[0].doc == "scaling.md"


@pytest.mark.parametrize("query", ["zebra", "the of and", "", "?!"])
def test_a_query_of_unknown_or_empty_words_finds_nothing(index: Index, query: str) -> None:
    assert retrieve(index, query) == []


def test_indexing_the_same_documents_again_changes_nothing(home: Path, documents: tuple[Document, ...]) -> None:
    folder = home / "documents"
    first = build_index(folder, documents)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert build_index(folder, documents) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_indexing_again_forgets_what_is_gone(home: Path, documents: tuple[Document, ...]) -> None:
    build_index(home / "documents", documents)
    build_index(home / "documents", [each for each in documents if each.id == "drift.txt"])
    assert retrieve(open_index(home / "documents"), "random forest") == []


def test_no_file_of_the_index_is_a_pickle(home: Path, index: Index) -> None:
    files = sorted(path.relative_to(home / "documents").as_posix() for path in home.rglob("*") if path.is_file())
    assert {Path(name).suffix for name in files} == {".json", ".jsonl", ".npy"}
    for path in (home / "documents").rglob("*.npy"):
        assert b"'O'" not in path.read_bytes()[:128]


def test_documents_without_a_word_are_refused_and_leave_nothing(home: Path) -> None:
    with pytest.raises(EmptySource):
        build_index(home / "documents", [])
    assert list(home.iterdir()) == []


def test_a_missing_index_says_what_to_do(home: Path) -> None:
    with pytest.raises(NotFound, match="Index some documents first") as caught:
        read_info(home / "documents")
    assert caught.value.code == "index_not_found"


@pytest.mark.parametrize("part", ["documents.jsonl", "chunks.jsonl", "index.json", "bm25/data.csc.index.npy"])
def test_a_damaged_index_is_named(home: Path, index: Index, part: str) -> None:
    (home / "documents" / part).write_text("{")
    with pytest.raises(IndexDamaged, match="Index the documents again"):
        open_index(home / "documents")


def test_an_index_of_another_format_is_refused(home: Path, index: Index) -> None:
    path = home / "documents" / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(IndexDamaged, match="format 99"):
        open_index(home / "documents")
