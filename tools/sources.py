"""What a user means by the data they name: a dataset imported before, or a source to read."""

from engine.data.load import safe_path
from engine.errors import NotFound
from tools.workshop import Workshop


def known_dataset(workshop: Workshop, data: str) -> str | None:
    """The id of the dataset that `data` names (by id or name); None for a source that is yet to be imported.

    A file of that name goes first, as what is in it may have changed since.

    Raises:
        SourceNotFound: no file can have this path.
        NotFound: it looks like an id, and there is no such dataset.
    """
    if ":" in data or safe_path(data).exists():
        return None
    try:
        return workshop.datasets.get(data).id
    except NotFound:
        if data.startswith("ds_"):
            raise
        return None
