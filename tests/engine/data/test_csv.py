"""Delimited text: what is found by itself, and what is refused with the place named."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from engine.data.load import DataLimits, RawTable, ReadOptions, read_source
from engine.data.schema import coerce, infer_schema
from engine.errors import (
    BadArguments,
    BadChoice,
    DuplicateColumns,
    EmptySource,
    HeaderOnly,
    NotATable,
    TooLarge,
    Undecodable,
)

from .conftest import MakeFile

LIMITS = DataLimits()


def read(source: str, **options: str) -> RawTable:
    return read_source(source, LIMITS, ReadOptions(**options))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "pipe"])
def test_the_delimiter_is_found(make_file: MakeFile, delimiter: str) -> None:
    rows = [["a", "b", "c"], ["1", f'"x{delimiter}y"', "2"], ["3", "z", "4"]]
    frame = read(make_file("t.csv", "\n".join(delimiter.join(row) for row in rows))).frame
    assert frame.to_numpy().tolist() == [["1", f"x{delimiter}y", "2"], ["3", "z", "4"]]


def test_commas_inside_text_do_not_hide_the_semicolon(make_file: MakeFile) -> None:
    frame = read(make_file("t.csv", "id;said\n1;well, yes, no\n2;yes\n")).frame
    assert list(frame.columns) == ["id", "said"]


def test_a_line_break_inside_quotes_stays_in_its_cell(make_file: MakeFile) -> None:
    frame = read(make_file("t.csv", 'a,b\r\n1,"two\r\nlines, ""quoted"""\r\n')).frame
    assert frame.loc[0, "b"] == 'two\r\nlines, "quoted"'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_every_line_end_is_read(make_file: MakeFile, end: str) -> None:
    assert read(make_file("t.csv", f"a,b{end}1,2{end}3,4{end}")).frame.shape == (2, 2)


def test_the_delimiter_line_that_excel_writes_is_obeyed(make_file: MakeFile) -> None:
    frame = read(make_file("t.csv", "sep=^\na^b\n1^2\n")).frame
    assert frame.to_numpy().tolist() == [["1", "2"]]


def test_a_single_column_is_a_table_too(make_file: MakeFile) -> None:
    assert read(make_file("t.csv", "message\nhello there\ngood bye\n")).frame.shape == (2, 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom", "utf-32"])
def test_the_byte_order_mark_tells_the_encoding(make_file: MakeFile, encoding: str) -> None:
    text = "name,n\nZoë,1\n"
    content = f"\ufeff{text}".encode(encoding[:-4]) if encoding.endswith("-bom") else text.encode(encoding)
    assert read(make_file("t.csv", content)).frame.to_numpy().tolist() == [["Zoë", "1"]]


def test_a_named_encoding_and_a_byte_order_mark_do_not_quarrel(make_file: MakeFile) -> None:
    content = "\ufeffa,b\n1,2\n".encode("utf-16-le")
    assert list(read(make_file("t.csv", content), encoding="utf-16-le").frame.columns) == ["a", "b"]


def test_bytes_that_are_no_utf8_are_named_by_value_offset_and_line(make_file: MakeFile) -> None:
    content = "name,n\nAnne,1\nZoë,2\n".encode("cp1252")
    with pytest.raises(Undecodable, match=r"byte 0xeb at offset 16 \(line 3\)"):
        read(make_file("t.csv", content))
    assert read(make_file("t.csv", content), encoding="cp1252").frame.loc[1, "name"] == "Zoë"


@pytest.mark.parametrize("before", [1 << 20, (1 << 20) - 8, 3_000_001])
def test_the_offset_is_right_across_blocks(make_file: MakeFile, before: int) -> None:
    head = b"a,b\n" + b"1,2\n" * (before // 4) + "é,".encode()
    with pytest.raises(Undecodable) as caught:
        read(make_file("t.csv", head + b"\xff\n"))
    assert f"offset {len(head)} (line {before // 4 + 2})" in str(caught.value)


def test_a_character_cut_off_at_the_end_is_refused(make_file: MakeFile) -> None:
    with pytest.raises(Undecodable, match="offset 8"):
        read(make_file("t.csv", b"a,b\n1,2\xc3"[:7] + b"\n" + b"\xc3"))


def test_nul_bytes_are_refused_with_their_offset(make_file: MakeFile) -> None:
    with pytest.raises(NotATable, match=r"NUL byte at offset 6 \(line 2\)"):
        read(make_file("t.csv", b"a,b\n1,\x00\n"))


def test_utf16_without_a_mark_is_refused_and_the_way_out_works(make_file: MakeFile) -> None:
    source = make_file("t.csv", "a,b\n1,2\n".encode("utf-16-le"))
    with pytest.raises(NotATable, match="encoding='utf-16-le'"):
        read(source)
    assert read(source, encoding="utf-16-le").frame.shape == (1, 2)


@pytest.mark.parametrize("encoding", ["klingon", "rot13"])
def test_an_encoding_nobody_knows_is_refused(make_file: MakeFile, encoding: str) -> None:
    with pytest.raises(BadChoice, match=f"'{encoding}' is not a known encoding"):
        read(make_file("t.csv", "a,b\n1,2\n"), encoding=encoding)


@pytest.mark.parametrize(("row", "cells"), [("1", 1), ("1,2,3", 3)])
def test_a_ragged_row_is_named_by_its_line(make_file: MakeFile, row: str, cells: int) -> None:
    with pytest.raises(NotATable, match=rf"line 4: {cells} cell\(s\) where the header has 2 \(delimiter comma ','\)"):
        read(make_file("t.csv", f"a,b\n1,2\n\n{row}\n5,6\n"))


def test_a_quote_that_is_never_closed_is_named_by_its_line(make_file: MakeFile) -> None:
    with pytest.raises(NotATable, match="line 3: a quote that is opened here is never closed"):
        read(make_file("t.csv", 'a,b\n1,2\n3,"4\n5,6\n'))


def test_a_quote_left_open_before_much_text_is_stopped_early(make_file: MakeFile) -> None:
    with pytest.raises(NotATable, match="line 2: a quote"):
        read(make_file("t.csv", 'a,b\n1,"2\n' + "3,4\n" * 100_000))


@pytest.mark.parametrize("content", ["", " \n \n", "\ufeff"], ids=["no bytes", "white space", "only a mark"])
def test_an_empty_file_is_refused(make_file: MakeFile, content: str) -> None:
    with pytest.raises(EmptySource):
        read(make_file("t.csv", content))


def test_a_header_alone_is_refused(make_file: MakeFile) -> None:
    with pytest.raises(HeaderOnly):
        read(make_file("t.csv", "a,b\n"))


def test_names_that_stand_twice_are_refused(make_file: MakeFile) -> None:
    with pytest.raises(DuplicateColumns, match="twice: a"):
        read(make_file("t.csv", "a,b, a\n1,2,3\n"))


def test_a_wrong_delimiter_is_told_the_right_one(make_file: MakeFile) -> None:
    with pytest.raises(NotATable, match=r"single column with semicolon ';', but has 2 columns with comma"):
        read(make_file("t.csv", "a,b\n1,2\n"), delimiter=";")


def test_an_unusual_delimiter_is_named(make_file: MakeFile) -> None:
    with pytest.raises(NotATable, match=r"Give delimiter='\^'"):
        read(make_file("t.csv", "a^b\n1^2\n"))
    assert read(make_file("t.csv", "a^b\n1^2\n"), delimiter="^").frame.shape == (1, 2)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_a_delimiter_is_one_plain_character(make_file: MakeFile, delimiter: str) -> None:
    with pytest.raises(BadArguments, match="one character"):
        read(make_file("t.csv", "a,b\n1,2\n"), delimiter=delimiter)


def test_columns_without_a_name_are_named_by_position(make_file: MakeFile) -> None:
    table = read(make_file("t.csv", ",a,\n0,x,1\n1,y,2\n"))
    assert list(table.frame.columns) == ["unnamed_1", "a", "unnamed_3"]
    assert "2 column(s) without a name" in table.notes[0]


def test_trailing_delimiters_leave_no_column(make_file: MakeFile) -> None:
    assert list(read(make_file("t.csv", "a,b,\n1,2,\n")).frame.columns) == ["a", "b"]


def test_blank_lines_are_skipped_and_said(make_file: MakeFile) -> None:
    table = read(make_file("t.csv", "a,b\n\n1,2\n\n"))
    assert len(table.frame) == 1
    assert "2 blank line(s) were skipped." in table.notes


def test_a_header_of_measurements_is_doubted(make_file: MakeFile) -> None:
    assert "taken as the header" in read(make_file("t.csv", "0.5,1.5\n2,3\n")).notes[0]
    assert read(make_file("t.csv", "0,1,2\n2,3,4\n")).notes == ()


def test_decimal_commas_are_numbers_where_the_comma_separates_nothing(make_file: MakeFile) -> None:
    table = read(make_file("t.csv", "price;name\n1.234,5;a,b\n-7;c\n"))
    assert table.decimal_commas == {"price"}
    schema = infer_schema(table.frame, {}, None, table.decimal_commas)
    assert coerce(table.frame, schema)["price"].tolist() == [1234.5, -7.0]
    assert table.frame["name"].tolist() == ["a,b", "c"]
    assert "Decimal commas" in table.notes[0]
    # as declared, also in a file whose other cells would not tell
    later = read(make_file("new.csv", "price;name\n1.234;x\n?;y\n0,5;z\n2,5 EUR;z\n"))
    assert later.decimal_commas == frozenset()
    cells = coerce(later.frame, schema, strict=False)["price"].tolist()
    assert cells[0] == 1234.0
    assert cells[2] == 0.5
    assert coerce(pd.DataFrame({"price": [1.234], "name": ["x"]}), schema)["price"].tolist() == [1.234]


def test_gzip_is_known_by_its_bytes_not_its_name(make_file: MakeFile) -> None:
    assert read(make_file("t.csv", gzip.compress(b"a,b\n1,2\n"))).frame.shape == (1, 2)


def test_a_damaged_gzip_file_is_refused(make_file: MakeFile) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 5000)
    with pytest.raises(NotATable, match="damaged gzip"):
        read(make_file("t.csv.gz", packed[:-20]))
    with pytest.raises(NotATable, match="damaged gzip"):
        read(make_file("u.csv.gz", packed[:20] + b"\xff" * 20 + packed[40:]))


def test_a_gzip_bomb_is_stopped_by_the_limit_on_unpacked_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"a,b\n" + b"1,2\n" * 2_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(TooLarge, match=r"more than 1,000,000 bytes.*MILLWRIGHT_DATA__MAX_BYTES"):
        read_source(str(path), DataLimits(max_bytes=1_000_000))


@pytest.mark.parametrize(
    ("limits", "setting"), [(DataLimits(max_rows=2), "MAX_ROWS"), (DataLimits(max_columns=1), "MAX_COLUMNS")]
)
def test_limits_name_their_setting(make_file: MakeFile, limits: DataLimits, setting: str) -> None:
    with pytest.raises(TooLarge, match=setting):
        read_source(make_file("t.csv", "a,b\n1,2\n3,4\n5,6\n"), limits)


def test_as_many_rows_as_the_limit_are_read(make_file: MakeFile) -> None:
    assert len(read_source(make_file("t.csv", "a,b\n1,2\n3,4\n"), DataLimits(max_rows=2)).frame) == 2


@pytest.mark.parametrize("name", ["u\0", "punycode", "idna", "unicode_escape", "base64"])
def test_codecs_that_are_no_encodings_of_files_are_refused(make_file: MakeFile, name: str) -> None:
    with pytest.raises(BadChoice):
        read(make_file("t.csv", "a,b\n1,2\n"), encoding=name)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named_with_its_byte_order(make_file: MakeFile, order: str) -> None:
    source = make_file("t.csv", "a,b\n1,2\n".encode(order))
    with pytest.raises(NotATable, match=order):
        read(source)
    assert read(source, encoding=order).frame.shape == (1, 2)


def test_a_long_text_is_one_cell(make_file: MakeFile) -> None:
    frame = read(make_file("t.csv", f"a,b\n1,{'word ' * 60_000}\n")).frame
    assert len(frame.loc[0, "b"]) == 300_000
