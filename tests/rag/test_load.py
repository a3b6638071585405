"""Documents are read whole, with the sections their headings make."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EmptySource, NotATable, SourceNotFound, TooLarge, Undecodable, UnsupportedFormat
from rag.load import DocumentLimits, load_documents
from rag.sections import markdown_sections

GUIDE = """# Trees

A tree splits rows.

## Forest

Many trees vote.

```bash
# not a heading
```

# Boosting
Each tree mends the last.
"""


def test_markdown_headings_become_nested_sections(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(GUIDE)
    document = load_documents(tmp_path / "guide.md").documents[0]
    assert [section.path for section in document.sections] == [("Trees",), ("Trees", "Forest"), ("Boosting",)]
    assert document.title == "Trees"
    assert "".join(document.text[each.start : each.end] for each in document.sections) == GUIDE


def test_a_comment_in_a_code_fence_is_not_a_heading() -> None:
    assert [each.path for each in markdown_sections("# A\n~~~\n# b\n```\n# c\n")] == [("A",)]


@given(st.text(alphabet=st.sampled_from("#~`ab \n\r\t\u2028"), max_size=200))
def test_sections_cover_any_text_without_gap_or_overlap(text: str) -> None:
    assert "".join(text[each.start : each.end] for each in markdown_sections(text)) == text


def test_json_lines_keep_ids_titles_and_given_sections(tmp_path: Path) -> None:
    row = {"id": 7, "title": "T", "text": "abcdef", "sections": [{"start": 2, "end": 4, "path": ["P"]}], "more": 1}
    (tmp_path / "d.jsonl").write_text(json.dumps(row) + "\n\n" + json.dumps({"text": "plain"}) + "\n")
    first, second = load_documents(tmp_path / "d.jsonl").documents
    assert (first.id, first.title, second.id) == ("7", "T", "d.jsonl#3")
    assert [(each.start, each.end, each.path) for each in first.sections] == [
        (0, 2, ("T",)),
        (2, 4, ("P",)),
        (4, 6, ("T",)),
    ]


def test_a_bad_file_in_a_folder_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.txt").write_text("words")
    (tmp_path / "bad.txt").write_bytes(b"ok\n\xff")
    (tmp_path / ".hidden.txt").write_text("words")
    (tmp_path / "link.txt").symlink_to(tmp_path / "deep" / "good.txt")
    documents, skipped = load_documents(tmp_path)
    assert [document.id for document in documents] == ["deep/good.txt"]
    assert len(skipped) == 1
    assert "byte 0xff at offset 3 (line 2)" in skipped[0]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.txt", b" \n", EmptySource),
        ("a.txt", b"\xff", Undecodable),
        ("a.jsonl", b'{"text": 3}', NotATable),
        ("a.jsonl", b"[]", NotATable),
        ("a.jsonl", b"{", NotATable),
        ("a.docx", b"x", UnsupportedFormat),
        ("a.md", b"x" * 101, TooLarge),
    ],
)
def test_a_bad_file_named_by_itself_is_an_error(
    tmp_path: Path, name: str, content: bytes, error: type[Exception]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        load_documents(tmp_path / name, DocumentLimits(max_file_bytes=100))


def test_an_unknown_file_offers_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text(GUIDE)
    with pytest.raises(SourceNotFound, match=r"Did you mean '.*guide\.md'"):
        load_documents(tmp_path / "giude.md")
