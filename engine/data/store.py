"""The datasets in the home: imported once, named by what is in them, their test rows sealed."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.data.cells import clip
from engine.data.load import DataLimits, RawTable, ReadOptions, default_name, read_source
from engine.data.schema import Schema, coerce, infer_schema, retold
from engine.data.split import Split, SplitSpec, make_split
from engine.data.tables import content_hash, locked, read_part, sweep, to_table, write_tables
from engine.errors import HomeNotWritable, NotFound, TargetUnusable, TooFewRows
from engine.files import atomic_folder, write_json
from engine.kinds import Kind

MIN_ROWS = 10
"""Fewer rows than this are not worth splitting."""


class LookLedger(Protocol):
    """Where every look at sealed rows is counted (the registry)."""

    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        """Count a look and return the dataset's total; the same three arguments count once."""
        ...


class SplitInfo(BaseModel):
    """How the sealed rows were chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    column: str | None
    seed: int
    fraction: float
    notes: tuple[str, ...] = ()


class Dataset(BaseModel):
    """An imported dataset. `rows` = `train_rows` + `test_rows` + rows without a target, which are in neither.

    `created` is when it was first imported, `imported` when last; `names` are all the names it was given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    names: tuple[str, ...] = ()
    source: str
    created: datetime
    imported: datetime
    rows: int
    train_rows: int
    test_rows: int
    schema_: Schema
    split: SplitInfo
    target: str | None
    content_hash: str
    notes: tuple[str, ...] = ()
    folder: Path = Field(exclude=True)


class Datasets:
    """All datasets under `root`, one folder each: data.parquet, split.parquet, dataset.json."""

    def __init__(self, root: Path, limits: DataLimits | None = None) -> None:
        self.root = root
        self.limits = limits or DataLimits()

    def import_source(
        self,
        source: str,
        *,
        target: str | None = None,
        name: str | None = None,
        kinds: Mapping[str, str] | None = None,
        split: SplitSpec | None = None,
        options: ReadOptions | None = None,
        written_as: Schema | None = None,
    ) -> Dataset:
        """Copy a source into the home. The same rows, kinds, target and split give the same dataset again.

        Without a target, a source that has one by what it is (a folder with a sub-folder for each class, a sample)
        brings it. `written_as` says how numbers and dates of new rows will be written, where that is not how they are
        written in this source.

        Raises:
            DataError: the source cannot be read (see `read_source`).
            ColumnNotFound, UnknownKind, KindMismatch: wrong target or overrides.
            TargetUnusable, TooFewRows, BadSplit: nothing could be learned or judged from it.
            DiskFull, HomeNotWritable: nothing half-written is kept.
        """
        self._open_root()  # fail before the reading, not after it
        raw = read_source(source, self.limits, options, kinds)
        target = target or raw.target
        schema = infer_schema(raw.frame, kinds or {}, target, raw.decimal_commas, raw.kinds)
        frame = coerce(raw.frame, schema)
        _check_rows(frame, schema, target, raw.source_name)
        parts = make_split(frame, schema, target, split or SplitSpec())
        table = to_table(frame, schema)
        # what is told of the columns (counts, examples) comes from the training rows alone
        schema = retold(schema, raw.frame[~(parts.test | parts.left_out)], target)
        schema = schema if written_as is None else schema.written_as(written_as)
        dataset = _describe(raw, schema, target, parts, content_hash(table), name or default_name(source), self.root)
        with locked(self.root):
            known = _load(dataset.folder)
            if known is not None:
                return _import_again(known, dataset, renamed=name is not None)
            with atomic_folder(dataset.folder) as folder:
                write_tables(folder, table, parts)
                write_json(folder / "dataset.json", dataset.model_dump(mode="json"))
        return dataset

    def get(self, id_or_name: str) -> Dataset:
        """By id, else the last imported of that name.

        Raises:
            NotFound: neither.
        """
        if re.fullmatch(r"ds_[0-9a-f]{12}", id_or_name) and (found := _load(self.root / id_or_name)):
            return found
        datasets = self.list()
        for dataset in datasets:
            if id_or_name in dataset.names:
                return dataset
        raise NotFound("dataset", id_or_name, [known for dataset in datasets for known in (dataset.name, dataset.id)])

    def list(self) -> "list[Dataset]":
        """All of them, the last imported first. Reads no rows."""
        found = [_load(folder) for folder in self.root.glob("ds_*")]
        return sorted((one for one in found if one), key=lambda one: (one.imported, one.id), reverse=True)

    def training_frame(self, id_or_name: str) -> pd.DataFrame:
        """The rows outside the sealed test set (and with a target), in their order in the source.

        Raises:
            NotFound: no such dataset.
        """
        return read_part(self.get(id_or_name).folder, "train")

    def open_sealed(self, id_or_name: str, ledger: LookLedger, *, model: str, purpose: str) -> pd.DataFrame:
        """The sealed test rows. The look is on record before a row is read; there is no other way to them.

        Raises:
            NotFound: no such dataset.
        """
        dataset = self.get(id_or_name)
        ledger.record_look(dataset.id, model, purpose)
        return read_part(dataset.folder, "test")

    def read_rows(
        self,
        source: str,
        schema: Schema | None = None,
        options: ReadOptions | None = None,
        kinds: Mapping[str, Kind] | None = None,
    ) -> pd.DataFrame:
        """New rows to predict or score, from one row on; nothing is stored.

        With a schema, the columns that both it and the source have come back in its kinds; the others are left out.
        Without one, `kinds` says what columns hold, so that paths of images are told from other words.

        Raises:
            DataError: as `read_source`.
        """
        known = {column.name: column.kind for column in schema.columns} if schema is not None else {}
        frame = read_source(source, self.limits, options, {**known, **(kinds or {})} or None).frame
        if schema is None:
            return frame
        given = set(frame.columns)
        return coerce(frame, schema.subset([name for name in schema.names if name in given]), strict=False)

    def _open_root(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise HomeNotWritable(self.root)
        with locked(self.root):
            sweep(self.root)


def _load(folder: Path) -> Dataset | None:
    """The description in a folder, None when it holds none that can be read."""
    try:
        stored = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        return Dataset.model_validate({**stored, "folder": folder})
    except (OSError, ValueError, ValidationError):
        return None


def _check_rows(frame: pd.DataFrame, schema: Schema, target: str | None, source: str) -> None:
    """Refuse what nothing can be learned from."""
    if target is not None:
        schema.kind(target)
    _check_count(len(frame), "rows", source)
    if target is None:
        return
    if schema.kind(target) == "image":
        raise TargetUnusable(f"The target {target!r} holds images, not answers.", "Name another target.")
    values = frame[target].dropna()
    if len(values) == 0:
        raise TargetUnusable(f"Every value of the target {target!r} is missing.", "Name another target.")
    if values.nunique() < 2:
        raise TargetUnusable(
            f"The target {target!r} has a single value ({clip(values.iloc[0])!r}): there is nothing to learn.",
            "Name another target or give more rows.",
        )
    if not schema.features(target):
        raise TargetUnusable(
            f"Beside the target {target!r} there is no column to learn from (identifiers do not count).",
            "Give a file with more columns, or override a column's kind.",
        )
    _check_count(len(values), f"rows with a value of {target!r}", source)


def _check_count(rows: int, what: str, source: str) -> None:
    if rows < MIN_ROWS:
        raise TooFewRows(f"{source!r} has {rows} {what}.", f"At least {MIN_ROWS} are needed.")


def _describe(
    raw: RawTable, schema: Schema, target: str | None, parts: Split, content: str, name: str, root: Path
) -> Dataset:
    split = SplitInfo(
        method=parts.method, column=parts.column, seed=parts.seed, fraction=parts.fraction, notes=parts.notes
    )
    kinds = [(column.name, column.kind, column.date_format) for column in schema.columns]
    identity = [content, kinds, target, split.method, split.column, split.seed, split.fraction]
    dataset_id = "ds_" + hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
    now = datetime.now(UTC)
    rows, test, left_out = len(parts.test), int(parts.test.sum()), int(parts.left_out.sum())
    return Dataset(
        id=dataset_id,
        name=name,
        names=(name,),
        source=raw.source_name,
        created=now,
        imported=now,
        rows=rows,
        train_rows=rows - test - left_out,
        test_rows=test,
        schema_=schema,
        split=split,
        target=target,
        content_hash=content,
        notes=(*raw.notes, *_schema_notes(schema), *parts.notes),
        folder=root / dataset_id,
    )


def _schema_notes(schema: Schema) -> list[str]:
    identifiers = [
        f"Column {clip(column.name)!r} is an identifier ({column.reason}) and is left out of training."
        for column in schema.columns
        if column.kind == "identifier"
    ]
    return [*identifiers, *(column.caution for column in schema.columns if column.caution)]


def _import_again(known: Dataset, again: Dataset, *, renamed: bool) -> Dataset:
    """The dataset that is there already, now the last of its name."""
    name = again.name if renamed else known.name
    names = tuple(dict.fromkeys((*known.names, again.name)))
    dataset = known.model_copy(update={"name": name, "names": names, "imported": again.imported})
    write_json(dataset.folder / "dataset.json", dataset.model_dump(mode="json"))
    return dataset
