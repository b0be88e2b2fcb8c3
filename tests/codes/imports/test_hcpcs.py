"""From bytes to rows: what the three forms of the HCPCS file give, and how each can be wrong."""

import datetime
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codes.imports.hcpcs import HcpcsImporter
from codes.imports.hcpcs_files import CSV_LACKS
from releases.importers import EditionName, ReleaseError, ReleaseFile, RowError
from tests.codes.imports.files import TITLES, Record, anweb, comma_separated, table, workbook, zipped

Rows = list[dict[str, object]]
G0001 = Record("G0001", long="Drawing of blood", short="Draw blood", xrefs=["36415"], terminated="20041231")
G0105 = Record("G0105", long="Colonoscopy " * 20, short="Colonoscopy")
LT = Record("LT", long="Left side", short="Left side")


def read(data: bytes, name: str = "HCPC2019_ANWEB.txt") -> Rows:
    """Rows of a file, as dicts."""
    importer = HcpcsImporter()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        rows = importer.read([ReleaseFile(name, path, "0" * 64, len(data))]).rows
        return [dict(zip(importer.columns, row, strict=True)) for row in rows]


def refusal(data: bytes, name: str = "HCPC2019_ANWEB.txt") -> RowError:
    with pytest.raises(RowError) as error:
        read(data, name)
    return error.value


def test_the_text_form_gives_every_column() -> None:
    [row] = read(anweb(G0001))
    assert row == {
        "system": "hcpcs",
        "code": "G0001",
        "line": 4,
        "long": "Drawing of blood",
        "short": "Draw blood",
        "pricing_indicators": ["00"],
        "multiple_pricing": "9",
        "cim_references": [],
        "mcm_references": [],
        "statute": "",
        "lab_certifications": [],
        "cross_references": ["36415"],
        "coverage": "C",
        "asc_group": "",
        "asc_effective_on": None,
        "opps_group": "",
        "opps_indicator": "",
        "opps_effective_on": None,
        "processing_note": "",
        "betos": "",
        "types_of_service": ["1", "P"],
        "anesthesia_base_units": 0,
        "added_on": datetime.date(2010, 1, 1),
        "changed_on": datetime.date(2010, 1, 1),
        "terminated_on": datetime.date(2004, 12, 31),
        "action": "N",
    }


def test_a_long_description_is_joined_from_its_lines_with_single_spaces() -> None:
    [row] = read(anweb(G0105))
    assert row["long"] == ("Colonoscopy " * 20).strip()


def test_a_modifier_is_a_code_of_its_own_system() -> None:
    assert [(row["system"], row["code"]) for row in read(anweb(LT, G0001))] == [
        ("hcpcs-modifier", "LT"),
        ("hcpcs", "G0001"),
    ]


def test_the_workbook_gives_the_same_rows_as_the_text() -> None:
    text, sheet = read(anweb(LT, G0001, G0105)), read(workbook(table(LT, G0001, G0105)))
    for row in [*text, *sheet]:
        del row["line"]
    assert text == sheet


def test_the_line_of_a_workbook_is_its_row() -> None:
    assert [row["line"] for row in read(workbook(table(LT, G0001)))] == [4, 5]


def test_a_description_that_goes_on_in_a_second_row_of_the_workbook_is_joined() -> None:
    more = ["G0001", "0020", "4", "from a vein", *[""] * (len(TITLES) - 4)]
    [row] = read(workbook([*table(G0001), more]))
    assert row["long"] == "Drawing of blood from a vein"


def test_dates_that_excel_made_numbers_are_dates() -> None:
    rows: list[list[str | float]] = [list(row) for row in table(G0001)]
    rows[-1][TITLES.index("ADD DT")] = 20040101.0
    [row] = read(workbook(rows))
    assert row["added_on"] == datetime.date(2004, 1, 1)


def test_a_workbook_without_a_column_leaves_it_unknown() -> None:
    without = [[cell for place, cell in enumerate(row) if place != TITLES.index("BETOS")] for row in table(G0001)[2:]]
    [row] = read(workbook(without))
    assert row["betos"] is None


def test_no_action_since_a_code_was_added_means_the_day_it_was_added() -> None:
    [row] = read(anweb(Record("G0105", changed="")))
    assert row["changed_on"] == row["added_on"] == datetime.date(2010, 1, 1)


def test_the_csv_knows_its_columns_and_nothing_else() -> None:
    [row] = read(comma_separated(G0001), "hcpcs_2026Q1.csv")
    assert (row["code"], row["long"], row["coverage"]) == ("G0001", "Drawing of blood", "C")
    assert row["terminated_on"] == datetime.date(2004, 12, 31)
    assert {name for name, value in row.items() if value is None} == set(CSV_LACKS) - {"hcpcs-modifier"}


def test_a_quoted_line_break_counts_in_the_line_numbers_of_a_csv() -> None:
    rows = read(comma_separated(Record("G0001", long="One\ntwo"), Record("G0002")), "a.csv")
    assert [(row["long"], row["line"]) for row in rows] == [("One two", 2), ("Test service", 4)]


def test_dental_codes_are_left_out_and_counted() -> None:
    importer, data = HcpcsImporter(), anweb(Record("D0120", long="x " * 60), G0001)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(data)
        reading = importer.read([ReleaseFile("a.txt", path, "", 0)])
        assert [row[1] for row in reading.rows] == ["G0001"]
    assert list(reading.skipped().values()) == [1]


def cut_in_a_line(data: bytes) -> bytes:
    return data[:-100]


def cut_before_the_line_end(data: bytes) -> bytes:
    return data[:-2]


def shortened_line(data: bytes) -> bytes:
    return data.replace(b"G0001001003Drawing of blood" + b" " * 64, b"G0001001003Drawing of blood")


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "line", "column", "problem"),
    [
        (cut_in_a_line, 8, 223, "the file seems to be cut here"),
        (cut_before_the_line_end, 8, 321, "the file seems to be cut here"),
        (shortened_line, 5, 257, "expected 293 to 320 characters, found 256"),
        (replaced(b"Drawing of", b"Draw\x81ng of"), 5, 16, "expected cp1252 text, found the byte 0x81"),
        (replaced(b"Drawing of", b"Drawing\0of"), 5, 19, "found the control character 0x00"),
        (replaced(b"20041231", b"20041331"), 5, 285, "expected a date as yyyymmdd, found '20041331'"),
        (replaced(b"20100101" + b"20100101" + b"20041231", b" " * 8 + b"20100101" + b"20041231"), 5, 269, "nothing"),
        (replaced(b"G0001001003", b"G000 001003"), 5, 1, "in columns 1 to 11"),
        (replaced(b"G0001001003", b"99213001003"), 5, 1, "expected a Level II code such as G0105, found '99213'"),
        (replaced(b"G0105001003", b"G0001001003"), 7, 1, "expected the first line of G0105 before its continuation"),
        (replaced(b"G0105002004", b"G0105003004"), 7, 6, "expected the sequence number 00200, found 00300"),
        (replaced(b"G0001001003", b"G0001002003"), 5, 6, "expected the sequence number 00100"),
        (replaced(b"G0105002004", b"G0105002008"), 7, 1, "before its continuation"),
        (replaced(b"1P     0", b"1P     x"), 5, 266, "expected a number, found 'x'"),
        (replaced(b"Drawing of blood", b"                "), 5, 12, "expected a description of G0001"),
        (replaced(b"Disclaimers", b"x" * 70_000), 1, 65536, "expected a line end within 65,536 bytes"),
        (replaced(b"***Disclaimers\r\n", b"***\r\n" * 80), 61, 1, "there is none in the first 60 lines"),
        (lambda data: b"", 1, 1, "the file is empty"),
        (lambda data: b"\r\n", 1, 1, "expected HCPCS records; there is none"),
        (lambda data: data + b"TOTAL 2\r\n", 9, 1, "in columns 1 to 11"),
        (lambda data: data + data.split(b"\r\n")[4] + b"\r\n", 9, 1, "G0001 was on line 5"),
    ],
)
def test_a_wrong_text_file_is_refused_with_line_and_column(
    change: Callable[[bytes], bytes], line: int, column: int, problem: str
) -> None:
    error = refusal(change(anweb(LT, G0001, Record("G0105", long="Colonoscopy " * 15))))
    assert (error.line, error.column) == (line, column)
    assert problem in error.problem
    assert str(error).startswith(f"HCPC2019_ANWEB.txt, line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "problem"),
    [
        ("short_description", "short", 1, 1, "expected the header code,long_description"),
        (",C,1,20100101,20041231", ",C,1,20100101", 2, 7, "expected 7 columns, found 6"),
        (",C,1,20100101,20041231", ",C,1,20100101,20041231,x", 2, 8, "expected 7 columns, found 8"),
        ("20041231", "31.12.2004", 2, "term_date", "expected at most 8 characters"),
        ("20041231", "2004-123", 2, "term_date", "expected a date as yyyymmdd"),
        ('"Drawing of blood"', '"Drawing of blood', 2, 1, "expected comma-separated values"),
        ("Drawing of", "Drawing \N{DEGREE SIGN} of", 2, 16, "expected utf-8 text, found the byte 0xB0"),
        ("G0001", "A1", 2, "code", "expected a Level II code"),
    ],
)
def test_a_wrong_csv_is_refused_with_line_and_column(
    old: str, new: str, line: int, column: int | str, problem: str
) -> None:
    data = comma_separated(G0001).decode().replace(old, new, 1).encode("latin-1")
    error = refusal(data, "hcpcs_2026Q1.csv")
    assert (error.line, error.column) == (line, column)
    assert problem in error.problem


@pytest.mark.parametrize(
    ("title", "value", "problem"),
    [
        ("HCPC", "99213", "expected a Level II code"),
        ("RECID", "9", "expected the record id 3, 4, 7 or 8"),
        ("COV", "CC", "expected at most 1 characters"),
        ("ADD DT", "1.5.2004", "expected a date as yyyymmdd"),
        ("LONG DESCRIPTION", " ", "expected a description"),
    ],
)
def test_a_wrong_workbook_is_refused_with_row_and_title(title: str, value: str, problem: str) -> None:
    rows = table(LT, G0001)
    rows[-1][TITLES.index(title)] = value
    error = refusal(workbook(rows), "a.xlsx")
    assert error.line == 5
    assert str(error.column).replace(" ", "") in title.replace(" ", "")
    assert problem in error.problem


def test_a_workbook_without_the_titles_is_refused() -> None:
    assert "expected a row with the titles HCPC" in refusal(workbook([["TYPE OF CHANGE"]]), "trans.xlsx").problem


def test_a_workbook_that_lacks_an_essential_column_is_refused() -> None:
    rows = [["HCPC", "RECID", "LONG DESCRIPTION", "SHORT DESCRIPTION"]]
    assert "expected the columns ADDDT, TERMDT, XREF1" in refusal(workbook(rows), "a.xlsx").problem


def test_a_workbook_with_a_column_twice_is_refused() -> None:
    rows = [[*TITLES, "COV"]]
    assert "it is there twice" in refusal(workbook(rows), "a.xlsx").problem


@pytest.mark.parametrize("end", [100, 1_000, -1])
def test_a_damaged_workbook_is_refused_in_a_sentence(end: int) -> None:
    with pytest.raises(ReleaseError, match=r"a\.xlsx is no readable workbook"):
        read(workbook(table(G0001))[:end], "a.xlsx")


def test_a_workbook_whose_packed_bytes_are_damaged_is_refused_in_a_sentence() -> None:
    data = bytearray(workbook(table(G0001)))
    data[30 + data[26]] = 0xFF  # the first packed byte of the first member: no kind of block begins so
    with pytest.raises(ReleaseError, match=r"a\.xlsx is no readable workbook"):
        read(bytes(data), "a.xlsx")


@settings(max_examples=200, deadline=None)
@example(b"PK\x03\x04")
@given(st.binary(max_size=2_000))
def test_any_bytes_give_rows_or_a_sentence(data: bytes) -> None:
    expect_rows_or_a_sentence(data, "a.txt")
    expect_rows_or_a_sentence(data, "a.csv")


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A good file with some of its bytes replaced, left out or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 40))] = draw(st.binary(max_size=12))
        if not data:
            break
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(damaged(anweb(LT, G0001, G0105)))
def test_a_damaged_text_gives_rows_or_a_sentence(data: bytes) -> None:
    expect_rows_or_a_sentence(data, "a.txt")


@settings(max_examples=200, deadline=None)
@given(damaged(comma_separated(G0001, G0105)))
def test_a_damaged_csv_gives_rows_or_a_sentence(data: bytes) -> None:
    expect_rows_or_a_sentence(data, "a.csv")


@settings(max_examples=200, deadline=None)
@given(damaged(workbook(table(LT, G0001, G0105))))
def test_a_damaged_workbook_gives_rows_or_a_sentence(data: bytes) -> None:
    expect_rows_or_a_sentence(data, "a.xlsx")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12) | st.floats(allow_nan=False, allow_infinity=False), max_size=50)))
def test_any_cells_give_rows_or_a_sentence(rows: list[list[str | float]]) -> None:
    expect_rows_or_a_sentence(workbook([list(TITLES), *rows]), "a.xlsx")


def expect_rows_or_a_sentence(data: bytes, name: str) -> None:
    try:
        rows = read(data, name)
    except ReleaseError:
        return
    assert all(row["code"] and row["long"] for row in rows)


@pytest.mark.parametrize(
    ("names", "label", "day"),
    [
        (["HCPC2019_CONTR_ANWEB.txt"], "2019", datetime.date(2019, 1, 1)),
        (["HCPC2018_CONTR_ANWEB_disc.txt", "2018-Alpha-Numeric-HCPCS-File.zip"], "2018", datetime.date(2018, 1, 1)),
        (["HCPC2025_OCT_ANWEB_v2.xlsx"], "2025Q4", datetime.date(2025, 10, 1)),
        (["HCPC2026_JAN_ANWEB.txt"], "2026Q1", datetime.date(2026, 1, 1)),
        (["HCPC2024_MAY_ANWEB.txt"], "2024-05", datetime.date(2024, 5, 1)),
        (["hcpcs_level2_2026Q1.csv"], "2026Q1", datetime.date(2026, 1, 1)),
        (["hcpcs_2026Q1_sample.txt"], "2026Q1-sample", datetime.date(2026, 1, 1)),
    ],
)
def test_file_names_tell_the_edition(names: list[str], label: str, day: datetime.date) -> None:
    assert HcpcsImporter().identify(names) == EditionName(label, day, "sample" in label)


def test_a_name_without_a_date_tells_no_edition() -> None:
    assert HcpcsImporter().identify(["codes.txt"]) is None


def test_names_that_tell_different_editions_are_refused() -> None:
    with pytest.raises(ReleaseError, match="different editions: 2018, 2019"):
        HcpcsImporter().identify(["HCPC2018_ANWEB.txt", "HCPC2019_ANWEB.txt"])


def test_of_an_archive_the_text_form_is_chosen() -> None:
    names = [
        "HCPC2018_CONTR_ANWEB.txt",
        "HCPC2018_CONTR_ANWEB.xlsx",
        "HCPC2018_ANWEB_Transaction Report.txt",
        "proc_notes_2018.txt",
    ]
    assert HcpcsImporter().choose("a.zip", names) == ["HCPC2018_CONTR_ANWEB.txt"]
    assert HcpcsImporter().choose("a.zip", names[1:]) == ["HCPC2018_CONTR_ANWEB.xlsx"]


def test_an_archive_without_the_file_is_refused_with_what_it_has() -> None:
    with pytest.raises(ReleaseError, match=r"a\.zip has no HCPCS file.*It has: proc_notes_2018\.txt"):
        HcpcsImporter().choose("a.zip", ["proc_notes_2018.txt"])


def test_an_archive_with_two_such_files_is_refused() -> None:
    with pytest.raises(ReleaseError, match="several HCPCS files"):
        HcpcsImporter().choose("a.zip", ["a/HCPC2018_ANWEB.txt", "b/HCPC2019_ANWEB.txt"])


def test_a_zip_is_no_workbook() -> None:
    with pytest.raises(ReleaseError, match="no readable workbook"):
        read(zipped({"a.txt": b"a"}), "a.xlsx")
