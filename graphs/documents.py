"""Document search for the graphs, where something is indexed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.tool import SearchDocumentsResult

Search = Callable[[str], "SearchDocumentsResult"]
"""Passages for a question."""


def search_of(home: Path) -> Search | None:
    """The search in the documents of a home; None when nothing is indexed there.

    Raises (the search): IndexDamaged, the index cannot be read.
    """
    from rag.tool import SearchDocumentsRequest, index_folder, search_documents

    folder = index_folder(home)
    if not folder.is_dir():
        return None
    return lambda question: search_documents(folder, SearchDocumentsRequest(query=question[:2_000]))
