"""Parquet, JSON lines, Excel, SQL and samples; sources that are none of these."""

import json
import sqlite3
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from engine.data.load import DataLimits, RawTable, ReadOptions, default_name, read_source, safe_path
from engine.errors import (
    BadArguments,
    BadChoice,
    DataError,
    DuplicateColumns,
    EmptySource,
    HeaderOnly,
    NotATable,
    SourceNotFound,
    TooLarge,
    UnsupportedFormat,
)

from .conftest import MakeFile

LIMITS = DataLimits()


def read(source: str, **options: str) -> RawTable:
    return read_source(source, LIMITS, ReadOptions(**options))


class TestParquet:
    def write(self, tmp_path: Path, table: pa.Table) -> str:
        pq.write_table(table, tmp_path / "t.parquet")
        return str(tmp_path / "t.parquet")

    def test_values_keep_their_types(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(
            {
                "n": pd.array([1, None], "Int64"),
                "x": [0.1, 2.0],
                "b": [True, False],
                "c": pd.Categorical(["u", "v"]),
            }
        )
        zoned = pa.array(
            [datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))] * 2, pa.timestamp("ns", "+02:00")
        )
        found = read(self.write(tmp_path, pa.Table.from_pandas(frame).append_column("t", zoned))).frame
        assert [str(kind) for kind in found.dtypes] == ["Int64", "float64", "boolean", "str", "datetime64[us]"]
        assert found.loc[0, "t"] == pd.Timestamp("2024-01-01 10:00")

    def test_dates_decimals_and_small_types_become_plain(self, tmp_path: Path) -> None:
        table = pa.table(
            {
                "d": pa.array([datetime(2024, 1, 2).date()], pa.date32()),
                "m": pa.array([250], pa.decimal128(9, 2)),
                "u": pa.array([7], pa.uint8()),
                "s": pa.array(["x"], pa.string_view()),
                "o": pa.array([None], pa.null()),
            }
        )
        frame = read(self.write(tmp_path, table)).frame
        assert frame.loc[0, ["d", "m", "u", "s"]].tolist() == [pd.Timestamp("2024-01-02"), 250.0, 7, "x"]
        assert frame["o"].isna().all()

    @pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, b"x"], ids=["list", "struct", "bytes"])
    def test_a_column_that_is_not_plain_is_named(self, tmp_path: Path, cell: object) -> None:
        with pytest.raises(NotATable, match="column 'odd' holds"):
            read(self.write(tmp_path, pa.table({"odd": [cell]})))

    def test_limits_are_checked_in_the_footer(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, pa.table({"a": range(100), "b": range(100)}))
        with pytest.raises(TooLarge, match="MAX_ROWS"):
            read_source(source, DataLimits(max_rows=99))
        with pytest.raises(TooLarge, match="MAX_BYTES"):
            read_source(source, DataLimits(max_bytes=50))

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        source = Path(self.write(tmp_path, pa.table({"a": [1]})))
        source.write_bytes(source.read_bytes()[:-8])
        with pytest.raises(NotATable, match="not a readable Parquet file"):
            read(str(source))

    def test_no_rows_and_names_twice_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(HeaderOnly):
            read(self.write(tmp_path, pa.table({"a": pa.array([], pa.int64())})))
        with pytest.raises(DuplicateColumns):
            read(self.write(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])))


class TestJsonLines:
    def test_keys_that_come_late_are_columns_too(self, make_file: MakeFile) -> None:
        frame = read(make_file("t.jsonl", '{"a": 1}\n\n{"b": "x", "a": 2.50}\n')).frame
        assert frame["a"].tolist() == ["1", "2.50"]
        assert pd.isna(frame.loc[0, "b"])

    def test_keys_that_come_after_many_rows_are_columns_too(self, make_file: MakeFile) -> None:
        lines = '{"a": 1}\n' * 20_001 + '{"z": true}\n'
        frame = read(make_file("t.jsonl", lines)).frame
        assert frame.shape == (20_002, 2)
        assert frame["z"].dropna().tolist() == ["True"]

    def test_numbers_keep_every_digit(self, make_file: MakeFile) -> None:
        assert read(make_file("t.jsonl", '{"n": 123456789012345678}')).frame.loc[0, "n"] == "123456789012345678"

    def test_nested_values_are_kept_as_json_and_said(self, make_file: MakeFile) -> None:
        table = read(make_file("t.jsonl", '{"a": {"b": [1]}}'))
        assert json.loads(table.frame.loc[0, "a"]) == {"b": ["1"]}
        assert "JSON text in: a" in table.notes[0]

    @pytest.mark.parametrize(
        "line", ["[1]", "3", "{", '{"a": 1, "a": 2}', "[" * 100_000], ids=["array", "number", "cut", "twice", "deep"]
    )
    def test_a_line_that_is_no_object_is_named(self, make_file: MakeFile, line: str) -> None:
        with pytest.raises(NotATable, match="line 2 is not a JSON object"):
            read(make_file("t.jsonl", f'{{"a": 1}}\n{line}\n'))

    def test_half_a_surrogate_pair_does_not_stop_the_reading(self, make_file: MakeFile) -> None:
        assert read(make_file("t.jsonl", '{"a": "\\ud800!"}')).frame.loc[0, "a"] == "?!"

    def test_nothing_and_empty_objects_are_refused(self, make_file: MakeFile) -> None:
        with pytest.raises(EmptySource):
            read(make_file("t.jsonl", "\n\n"))
        with pytest.raises(NotATable, match="only empty objects"):
            read(make_file("t.jsonl", "{}\n{}\n"))


class TestExcel:
    def write(self, tmp_path: Path, rows: list[list[object]], more: tuple[str, ...] = ()) -> str:
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        for title in more:
            book.create_sheet(title).append(["only", title])
        book.save(tmp_path / "t.xlsx")
        return str(tmp_path / "t.xlsx")

    def test_values_of_every_type_are_read(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, [["n", "x", "t", "b"], [3, 0.1, datetime(2024, 1, 2, 3), True], [None, "#N/A"]])
        frame = read(source).frame
        assert frame.loc[0].tolist() == ["3", "0.1", "2024-01-02T03:00:00", "True"]
        assert len(frame) == 1  # the second row held an error and nothing else

    def test_a_sheet_is_chosen_by_name_or_said(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, [["a"], [1]], more=("second",))
        assert "there are 2" in read(source).notes[0]
        with pytest.raises(HeaderOnly):
            read(source, sheet="second")
        with pytest.raises(BadChoice, match="Did you mean 'second'"):
            read(source, sheet="Secnd")

    def test_cells_beyond_the_header_are_named_by_row(self, tmp_path: Path) -> None:
        with pytest.raises(NotATable, match="row 3: 2 cells under a header of 1"):
            read(self.write(tmp_path, [["a"], [1], [1, 2]]))

    def test_what_it_unpacks_to_counts(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, [["a"], *([["same words"]] * 500)])
        with pytest.raises(TooLarge, match="MAX_BYTES"):
            read_source(source, DataLimits(max_bytes=5_000))

    def test_a_file_that_is_no_workbook_is_refused(self, make_file: MakeFile) -> None:
        with pytest.raises(NotATable, match="not a readable"):
            read(make_file("t.xlsx", b"PK\x03\x04 nothing"))


class TestSql:
    @pytest.fixture
    def database(self, tmp_path: Path) -> str:
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("CREATE TABLE orders (id INTEGER, price REAL, note TEXT, raw BLOB)")
            connection.execute("INSERT INTO orders VALUES (1, 0.1, 'a', x'00'), (2, NULL, 'b', x'01')")
        connection.close()
        return f"sqlite:///{tmp_path}/shop.db"

    def test_the_rows_of_a_query_are_read(self, database: str) -> None:
        frame = read(database, query="SELECT id, price, note FROM orders ORDER BY id;").frame
        assert frame["price"].tolist()[0] == "0.1"
        assert pd.isna(frame.loc[1, "price"])

    def test_without_a_query_the_tables_are_named(self, database: str) -> None:
        with pytest.raises(BadArguments, match="tables: orders"):
            read(database)

    @pytest.mark.parametrize("query", ["DELETE FROM orders", "SELECT 1; DROP TABLE orders", "PRAGMA user_version = 3"])
    def test_nothing_but_one_select_is_run(self, database: str, query: str) -> None:
        with pytest.raises(BadArguments, match="Only one SELECT"):
            read(database, query=query)

    def test_a_change_dressed_as_a_read_is_refused_by_the_database(self, database: str) -> None:
        with pytest.raises(DataError, match="readonly"):
            read(database, query="WITH one AS (SELECT 1) DELETE FROM orders RETURNING id")
        assert len(read(database, query="SELECT id FROM orders").frame) == 2

    def test_a_wrong_query_is_answered_by_the_database(self, database: str) -> None:
        with pytest.raises(DataError, match="no such table: ordres\\."):
            read(database, query="SELECT * FROM ordres")

    def test_a_column_of_bytes_is_named(self, database: str) -> None:
        with pytest.raises(NotATable, match="column 'raw' holds bytes"):
            read(database, query="SELECT raw FROM orders")

    def test_two_columns_of_one_name_are_refused(self, database: str) -> None:
        with pytest.raises(DuplicateColumns):
            read(database, query="SELECT id, id FROM orders")

    def test_limits_hold_and_no_rows_are_no_table(self, database: str) -> None:
        with pytest.raises(TooLarge, match="MAX_ROWS"):
            read_source(database, DataLimits(max_rows=1), ReadOptions(query="SELECT id FROM orders"))
        with pytest.raises(HeaderOnly):
            read(database, query="SELECT id FROM orders WHERE id > 5")

    def test_a_database_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(SourceNotFound):
            read(f"sqlite:///{tmp_path}/none.db", query="SELECT 1")
        assert not (tmp_path / "none.db").exists()

    def test_the_password_is_told_nowhere(self) -> None:
        with pytest.raises(DataError) as caught:
            read("postgresql://me:hush-hush@127.0.0.1:1/db?sslpassword=also-hush", query="SELECT 1")
        assert "hush" not in str(caught.value)
        assert "me:***@127.0.0.1" in str(caught.value)

    def test_a_driver_that_is_missing_is_named(self) -> None:
        with pytest.raises(UnsupportedFormat, match="no driver for 'oracle\\+none'"):
            read("oracle+none://me:hush@host/db", query="SELECT 1")

    @pytest.mark.backend
    def test_postgres_is_read_and_cannot_be_changed(self, postgres_url: str) -> None:
        url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
        assert read(url, query="SELECT 1 AS a, true AS b, 1.50::numeric AS c").frame.loc[0].tolist() == [
            "1",
            "True",
            "1.50",
        ]
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE SEQUENCE counted_by_a_test"))
        try:
            with pytest.raises(DataError, match="read-only transaction"):
                read(url, query="SELECT nextval('counted_by_a_test')")
        finally:
            with engine.begin() as connection:
                connection.execute(text("DROP SEQUENCE counted_by_a_test"))
            engine.dispose()


class TestSources:
    def test_a_file_that_is_not_there_offers_the_nearest(self, make_file: MakeFile) -> None:
        source = make_file("churn.csv", "a,b\n1,2\n")
        with pytest.raises(SourceNotFound, match=r"Did you mean .*churn\.csv"):
            read(source.replace("churn", "chrun"))

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedFormat, match="is a folder"):
            read(str(tmp_path))

    @pytest.mark.parametrize("name", ["t.pdf", "t.xls", "noextension"])
    def test_an_unknown_format_is_told_what_is_read(self, make_file: MakeFile, name: str) -> None:
        with pytest.raises(UnsupportedFormat, match="Read are: CSV"):
            read(make_file(name, "%PDF"))

    def test_a_web_address_is_refused(self) -> None:
        with pytest.raises(UnsupportedFormat, match="Download the file first"):
            read("https://example.org/t.csv")

    def test_a_device_is_refused(self) -> None:
        with pytest.raises(UnsupportedFormat, match="not a regular file"):
            read("/dev/zero")

    def test_an_unknown_sample_offers_the_nearest(self) -> None:
        with pytest.raises(BadChoice, match="Did you mean 'churn'"):
            read("sample:chrun")

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("data/telco.csv.gz", "telco"),
            ("sample:churn", "churn"),
            ("sqlite:///a/shop.db", "shop"),
            ("postgresql://me:pw@host", "query"),
            ("postgresql://ann:sec/ret@host/shop", "shop"),
            ("postgresql://ann:se?cret@host/shop", "shop"),
            ("postgresql://ann:secret@host:none/shop", "query"),
            ("postgresql://ann:secret@host/shop?password=secret", "shop"),
        ],
    )
    def test_a_dataset_is_called_after_its_source(self, source: str, name: str) -> None:
        assert default_name(source) == name


@pytest.mark.parametrize("text", ["x" * 300 + ".csv", "~nobody-of-that-name/t.csv", "a\0b.csv", "a/" * 3000])
def test_a_path_that_cannot_be_is_a_file_not_found(text: str) -> None:
    with pytest.raises(SourceNotFound):
        read_source(text, LIMITS)
    with pytest.raises(SourceNotFound):
        safe_path(text)


def test_a_path_need_not_exist_yet(tmp_path: Path) -> None:
    assert safe_path(str(tmp_path / "later.csv")) == tmp_path / "later.csv"
    assert safe_path("~") == Path.home()


def _altered_sheet(source: str, change: bytes) -> str:
    """The workbook with a cell's markup replaced, packed again so that the archive itself is whole."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(source + ".bad.xlsx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"</row>", change, 1) if name.endswith("sheet1.xml") else data)
    return source + ".bad.xlsx"


def test_a_workbook_with_damaged_markup_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_excel(path, index=False)
    with pytest.raises(NotATable, match="not a readable"):
        read(_altered_sheet(str(path), b"</rox>"))


def test_a_workbook_with_damaged_bytes_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    pd.DataFrame({"a": range(2000)}).to_excel(path, index=False)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 500
    path.write_bytes(path.read_bytes()[:at] + bytes(500) + path.read_bytes()[at + 500 :])
    with pytest.raises(NotATable, match="not a readable"):
        read(str(path))


def test_a_parquet_file_with_a_damaged_page_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.random.default_rng(0).normal(size=20_000)}).to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + bytes(89_000) + whole[90_000:])
    with pytest.raises(NotATable, match="not a readable"):
        read(str(path))
