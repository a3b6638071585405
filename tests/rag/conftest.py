"""Three small documents and their index."""

from pathlib import Path

import pytest

from rag.index import Index, build_index, open_index
from rag.load import Document, load_documents

DOCUMENTS = {
    "forest.md": (
        "# Random forest\n\nA random forest averages many trees. Each tree sees a bootstrap sample of the rows.\n\n"
        "## Out-of-bag error\n\nRows that a tree has not seen measure its error. This needs no validation set.\n"
    ),
    "scaling.md": (
        "# Scaling\n\n`StandardScaler` removes the mean and divides by the standard deviation.\n\n"
        "- Trees need no scaling.\n- Linear models converge faster with it.\n"
    ),
    "drift.txt": "The population stability index compares two histograms. Above 0.25 the drift is large.\n",
}


@pytest.fixture
def documents(tmp_path: Path) -> tuple[Document, ...]:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    return load_documents(folder).documents


@pytest.fixture
def index(home: Path, documents: tuple[Document, ...]) -> Index:
    build_index(home / "documents", documents)
    return open_index(home / "documents")
