"""What turned out to be true: labels by row id, that come late, in any order, before or after their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from engine.database import Database
from engine.errors import BadArguments
from engine.monitoring.records import LabelsFound
from engine.monitoring.tables import LABELS, LONGEST_ID, check_texts, lock, logged_ids, parts
from engine.naming import shortened

EXAMPLES = 5


class Labels:
    """One label for each row id of a monitor. A label is kept by its id alone, so it needs no row to be there yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def label(self, monitor: str, ids: Sequence[str], labels: Sequence[object], at: datetime) -> LabelsFound:
        """Keep a label for each id; a second one for the same id replaces the first. All are kept or none.

        Args:
            monitor: its id.
            ids: of the rows, n of them; of an id that comes twice the last label counts.
            labels: n class names or numbers.
            at: when they came.

        Raises:
            NotFound: no such monitor.
            BadArguments: lengths differ, a label is blank, or an id or a label cannot be kept.
            DiskFull, HomeNotWritable: no label was kept.
        """
        texts = _texts(ids, labels)
        with self._database.begin() as connection:
            lock(connection, monitor)
            known = logged_ids(connection, monitor, list(texts))
            before = _stored(connection, monitor, list(texts))
            changed = {row_id: text for row_id, text in texts.items() if before.get(row_id, text) != text}
            new = {row_id: text for row_id, text in texts.items() if row_id not in before}
            _replace(connection, monitor, changed, at)
            _insert(connection, monitor, new, at)
        unknown = [row_id for row_id in texts if row_id not in known]
        return LabelsFound(
            joined=len(known), unknown=len(unknown), examples=tuple(unknown[:EXAMPLES]), changed=len(changed)
        )


def _texts(ids: Sequence[str], labels: Sequence[object]) -> dict[str, str]:
    """The labels as text by id; 1.0 is '1', as in the names of classes."""
    from engine.data.cells import BLANKS, cell_text

    if len(ids) != len(labels):
        raise BadArguments(f"There are {len(ids):,} ids and {len(labels):,} labels.", "Give a label for each id.")
    texts = [(cell_text(label) or "").strip() for label in labels]
    blank = [row_id for row_id, text in zip(ids, texts, strict=True) if text in BLANKS]
    if blank:
        raise BadArguments(
            f"{len(blank):,} of {len(ids):,} labels are blank, those of {shortened(blank, EXAMPLES)}.",
            "Leave out the ids whose label is not known yet.",
        )
    check_texts("the id of a row", ids, LONGEST_ID)
    check_texts("a label", texts)
    return dict(zip(ids, texts, strict=True))


def _stored(connection: sa.Connection, monitor: str, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts(ids):
        here = (LABELS.c.monitor == monitor) & LABELS.c.row_id.in_(part)
        rows = connection.execute(sa.select(LABELS.c.row_id, LABELS.c.label).where(here))
        found.update((row.row_id, row.label) for row in rows)
    return found


def _replace(connection: sa.Connection, monitor: str, texts: Mapping[str, str], at: datetime) -> None:
    if not texts:
        return
    this = (LABELS.c.monitor == monitor) & (LABELS.c.row_id == sa.bindparam("this"))
    change = sa.update(LABELS).where(this).values(label=sa.bindparam("text"), at=at)
    connection.execute(change, [{"this": row_id, "text": text} for row_id, text in texts.items()])


def _insert(connection: sa.Connection, monitor: str, texts: Mapping[str, str], at: datetime) -> None:
    if not texts:
        return
    values = [{"monitor": monitor, "row_id": row_id, "label": text, "at": at} for row_id, text in texts.items()]
    connection.execute(sa.insert(LABELS), values)
