"""Chunks lose nothing, stay under their size and keep their headings."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.chunk import chunk_document
from rag.load import Document
from rag.sections import Section, markdown_sections


def document(text: str) -> Document:
    return Document(id="d", title="d", text=text, sections=markdown_sections(text))


@given(st.text(alphabet=st.sampled_from("# ab.\n\t\u2028é"), max_size=400), st.integers(2, 60))
def test_chunks_hold_every_non_blank_character_once_and_in_order(text: str, target: int) -> None:
    chunks = chunk_document(document(text), target)
    assert all(0 < chunk.end - chunk.start <= target for chunk in chunks)
    assert all(one.end <= two.start for one, two in pairwise(chunks))
    kept = "".join(text[chunk.start : chunk.end] for chunk in chunks)
    assert "".join(kept.split()) == "".join(text.split())


def test_a_chunk_never_crosses_a_heading() -> None:
    chunks = chunk_document(document("# A\nshort\n## B\nshort\n"))
    assert [chunk.breadcrumb for chunk in chunks] == ["A", "A > B"]


def test_a_long_section_is_cut_at_a_paragraph_before_a_sentence() -> None:
    text = "One two three. Four five.\n\nSix seven. Eight nine ten."
    chunks = chunk_document(Document(id="d", title="d", text=text, sections=(Section(start=0, end=len(text)),)), 40)
    assert [text[chunk.start : chunk.end] for chunk in chunks] == [
        "One two three. Four five.",
        "Six seven. Eight nine ten.",
    ]
