"""An answer is made of quotes that are in the documents; without one it says so."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import NotFound
from rag.answer import answer
from rag.index import Index, build_index, open_index
from rag.load import load_documents
from rag.tool import SearchDocumentsRequest, index_folder, search_documents


def test_every_quote_is_found_letter_for_letter_where_it_says(index: Index) -> None:
    reply = answer(index, "What does a random forest average?")
    assert reply.found
    assert reply.citations[0].quote == "A random forest averages many trees."
    for citation in reply.citations:
        assert index.documents[citation.doc].text[citation.start : citation.end] == citation.quote
        assert citation.quote in reply.text


def test_a_question_that_the_documents_do_not_answer_is_refused(index: Index) -> None:
    reply = answer(index, "What is the capital of France?")
    assert not reply.found
    assert reply.citations == ()
    assert reply.text == "The 3 indexed documents do not answer this."


def test_a_list_item_is_quoted_alone(index: Index) -> None:
    assert answer(index, "do trees need scaling?").citations[0].quote == "- Trees need no scaling."


def test_the_tool_gives_passages_and_the_answer(home: Path, index: Index) -> None:
    assert index.info.documents == 3
    found = search_documents(index_folder(home), SearchDocumentsRequest(query="population stability index", limit=1))
    assert len(found.hits) == 1
    assert found.answer.citations[0].doc == "drift.txt"


def test_the_tool_without_an_index_says_so(home: Path) -> None:
    with pytest.raises(NotFound, match="Index some documents first"):
        search_documents(index_folder(home), SearchDocumentsRequest(query="x"))


@pytest.mark.parametrize("bad", [{"query": ""}, {"query": "x", "limit": 0}, {"query": "x", "more": 1}])
def test_the_tool_refuses_a_bad_request(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchDocumentsRequest.model_validate(bad)


def test_on_real_questions_refusal_tells_answerable_from_not(home: Path, shared_data: Path) -> None:
    build_index(home / "documents", load_documents(shared_data / "rag" / "corpus.jsonl").documents)
    index = open_index(home / "documents")
    lines = (shared_data / "rag" / "queries_dev.jsonl").read_text().splitlines()
    questions = [json.loads(line) for line in lines]
    found = {each["id"]: answer(index, each["query"]).found for each in questions}
    answered = [found[each["id"]] for each in questions if each["answerable"]]
    refused = [not found[each["id"]] for each in questions if not each["answerable"]]
    assert sum(answered) / len(answered) > 0.75
    assert sum(refused) / len(refused) > 0.8
