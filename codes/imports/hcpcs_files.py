"""CMS's HCPCS Level II files: from bytes to rows. Pure functions; codes/imports/hcpcs.py is the importer.

Three forms of the same content are accepted: the fixed-width ANWEB text (320 columns, cp1252), its workbook, and a CSV
with fewer columns. All give the same rows; what a form does not have is NULL, "unknown", never blank.
"""

import csv
import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from releases.importers import MONTHS, ReleaseFile, Row, RowError
from releases.reading import CONTROL, read_lines, read_sheets

CODES, MODIFIERS = "hcpcs", "hcpcs-modifier"  # slugs of the code systems, and the groups of a report


@dataclass(frozen=True, slots=True)
class Field:
    """One column of codes.HcpcsRecord and where the forms of the file have it."""

    name: str
    start: int  # in the text form, counted from 1
    end: int
    titles: tuple[str, ...]  # in the workbook; several titles, or a width, make it a list
    width: int = 0
    kind: str = "text"

    @property
    def sql_type(self) -> str:
        if self.width:
            return "text[]"
        return {"date": "date", "loose date": "date", "number": "smallint"}.get(self.kind, "text")


def numbered(title: str, count: int) -> tuple[str, ...]:
    return tuple(f"{title}{number}" for number in range(1, count + 1))


FIELDS = (
    Field("pricing_indicators", 120, 127, numbered("PRICE", 4), width=2),
    Field("multiple_pricing", 128, 128, ("MULTPI",)),
    Field("cim_references", 129, 146, numbered("CIM", 3), width=6),
    Field("mcm_references", 147, 170, numbered("MCM", 3), width=8),
    Field("statute", 171, 180, ("STATUTE",)),
    Field("lab_certifications", 181, 204, numbered("LABCERT", 8), width=3),
    Field("cross_references", 205, 229, numbered("XREF", 5), width=5),
    Field("coverage", 230, 230, ("COV",)),
    Field("asc_group", 231, 232, ("ASCGRP",)),
    Field("asc_effective_on", 233, 240, ("ASCDT",), kind="loose date"),
    Field("opps_group", 241, 243, ("OPPS",)),
    Field("opps_indicator", 244, 244, ("OPPSPI",)),
    Field("opps_effective_on", 245, 252, ("OPPSDT",), kind="loose date"),
    Field("processing_note", 253, 256, ("PROCNOTE",)),
    Field("betos", 257, 259, ("BETOS",)),
    Field("types_of_service", 261, 265, numbered("TOS", 5), width=1),
    Field("anesthesia_base_units", 266, 268, ("ANESTBU",), kind="number"),
    Field("added_on", 269, 276, ("ADDDT",), kind="date"),
    Field("changed_on", 277, 284, ("ACTEFFDT",), kind="date"),
    Field("terminated_on", 285, 292, ("TERMDT",), kind="date"),
    Field("action", 293, 293, ("ACTIONCD",)),
)
NAMES = tuple(field.name for field in FIELDS)
# Nothing was done to a code since it was added: the text form then repeats that date, the workbook leaves it blank.
ADDED_ON, CHANGED_ON = NAMES.index("added_on"), NAMES.index("changed_on")
ESSENTIAL = {"added_on", "terminated_on", "cross_references"}

# The CSV has one type of service where CMS lists up to five, so the list is unknown there.
CSV_TITLES = ("code", "long_description", "short_description", "coverage", "tos", "add_date", "term_date")
CSV_FIELDS = {"coverage": "coverage", "added_on": "add_date", "terminated_on": "term_date"}
CSV_LACKS = (MODIFIERS, *(name for name in NAMES if name not in CSV_FIELDS))

RECORD = re.compile(r"(?:   [A-Z0-9]{2}|[A-Z0-9]{5})[0-9]{5}[3478]")
RECORD_WIDTH = range(293, 321)
MAX_PREAMBLE = 60  # lines of disclaimers before the first record; CMS has 8 to 11
LEVEL_II = re.compile(r"[A-Z][0-9]{4}")
MODIFIER = re.compile(r"[A-Z0-9]{2}")
DENTAL = "dental codes (CDT, copyright American Dental Association)"


@dataclass(slots=True)
class Entry:
    """One code as a file has it; `value` gives the raw strings of a field, None where the form lacks it."""

    line: int
    record: str  # the record id: "3" a code, "7" a modifier
    code: str
    code_column: int | str
    long: list[str]
    long_column: int | str
    short: str
    value: Callable[[Field], list[str] | None]
    column: Callable[[Field], int | str]


def checked(file: ReleaseFile, entries: Iterator[Entry], skipped: dict[str, int]) -> Iterator[Row]:
    """Rows for staging; every value converted, every code of the right kind and there once."""
    seen: dict[tuple[str, str], int] = {}
    for entry in entries:
        system, code = (MODIFIERS if entry.record == "7" else CODES), entry.code
        if not (MODIFIER if system == MODIFIERS else LEVEL_II).fullmatch(code):
            wanted = "a modifier such as LT" if system == MODIFIERS else "a Level II code such as G0105"
            raise RowError(file.name, entry.line, entry.code_column, f"expected {wanted}, found {code!r}")
        if first := seen.get((system, code)):
            raise RowError(
                file.name, entry.line, entry.code_column, f"expected each code once; {code} was on line {first}"
            )
        seen[system, code] = entry.line
        if system == CODES and code.startswith("D"):
            skipped[DENTAL] = skipped.get(DENTAL, 0) + 1
            continue
        long = " ".join(" ".join(entry.long).split())
        if not long:
            raise RowError(file.name, entry.line, entry.long_column, f"expected a description of {code}")
        values = [convert(file, entry, field) for field in FIELDS]
        if values[CHANGED_ON] is None and entry.value(FIELDS[CHANGED_ON]) is not None:
            values[CHANGED_ON] = values[ADDED_ON]
        yield (system, code, entry.line, long, " ".join(entry.short.split()), *values)
    if not seen:
        raise RowError(file.name, 1, 1, "expected HCPCS records; there is none in the file")


def convert(file: ReleaseFile, entry: Entry, field: Field) -> object:
    raw = entry.value(field)
    if raw is None:
        return None
    values = [value.strip() for value in raw]
    longest = field.width or (field.end - field.start + 1)
    if any(len(value) > longest for value in values):
        raise RowError(
            file.name, entry.line, entry.column(field), f"expected at most {longest} characters, found {values}"
        )
    if field.width:
        return [value for value in values if value]
    value = values[0]
    if field.kind.endswith("date"):
        return date_of(file, entry, field, value)
    if field.kind == "number":
        if value and not (value.isascii() and value.isdigit()):
            raise RowError(file.name, entry.line, entry.column(field), f"expected a number, found {value!r}")
        return int(value) if value else None
    return value


def date_of(file: ReleaseFile, entry: Entry, field: Field, value: str) -> datetime.date | None:
    if not value:
        if field.name == "added_on":
            raise RowError(file.name, entry.line, entry.column(field), "expected a date as yyyymmdd, found nothing")
        return None
    if field.kind == "loose date" and len(value) == 6:
        value = f"20{value}"  # in CMS's file of 2018 some dates of payment groups are 170401
    try:
        if not re.fullmatch(r"(19|20)[0-9]{6}", value):
            raise ValueError
        return datetime.date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        raise RowError(
            file.name, entry.line, entry.column(field), f"expected a date as yyyymmdd, found {value!r}"
        ) from None


def read_text(file: ReleaseFile) -> Iterator[Entry]:
    """The fixed-width form: a first line a code with everything, continuation lines with more description."""
    entry: Entry | None = None
    last = ""  # the line before, of the same code
    for number, line in read_lines(file, encoding="cp1252"):
        if not RECORD.match(line):
            refuse_other_line(file, number, line, started=entry is not None)
            continue
        if len(line) not in RECORD_WIDTH:
            raise RowError(
                file.name,
                number,
                min(len(line), RECORD_WIDTH.stop - 1) + 1,
                f"expected {RECORD_WIDTH.start} to {RECORD_WIDTH.stop - 1} characters, found {len(line)}",
            )
        record, sequence = line[10], int(line[5:10])
        if record in "37":
            if sequence != 100:
                raise RowError(file.name, number, 6, f"expected the sequence number 00100, found {line[5:10]}")
            if entry:
                yield entry
            entry = text_entry(number, line)
        else:
            continues = {"4": "3", "8": "7"}[record]
            if entry is None or entry.record != continues or line[:5] != last[:5]:
                raise RowError(
                    file.name, number, 1, f"expected the first line of {line[:5].strip()} before its continuation"
                )
            if sequence != int(last[5:10]) + 100:
                raise RowError(
                    file.name,
                    number,
                    6,
                    f"expected the sequence number {int(last[5:10]) + 100:05}, found {line[5:10]}; is a line missing?",
                )
            entry.long.append(line[11:91])
        last = line
    if entry:
        yield entry


def refuse_other_line(file: ReleaseFile, number: int, line: str, *, started: bool) -> None:
    """Before the first record a file may have disclaimers, after it only blank lines."""
    if not line.strip():
        return
    if started or len(line) >= RECORD_WIDTH.start:
        raise RowError(
            file.name, number, 1, "expected a code, a sequence number and a record id (3, 4, 7 or 8) in columns 1 to 11"
        )
    if number > MAX_PREAMBLE:
        raise RowError(file.name, number, 1, f"expected HCPCS records; there is none in the first {MAX_PREAMBLE} lines")


def text_entry(number: int, line: str) -> Entry:
    def value(field: Field) -> list[str]:
        width = field.width or field.end - field.start + 1
        return [line[at : at + width] for at in range(field.start - 1, field.end, width)]

    return Entry(
        line=number,
        record=line[10],
        code=line[:5].strip(),
        code_column=1,
        long=[line[11:91]],
        long_column=12,
        short=line[91:119],
        value=value,
        column=lambda field: field.start,
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The sheet of a workbook that has the records, and where its columns are."""

    rows: list[list[Any]]
    header: int  # index of the row with the titles
    places: dict[str, int]  # title → index of the column
    lacks: tuple[str, ...]


def find_table(file: ReleaseFile) -> Table:
    for _, rows in read_sheets(file):
        for index, row in enumerate(rows[:MAX_PREAMBLE]):
            titles = [re.sub(r"[^A-Z0-9]", "", str(cell).upper()) for cell in row]
            if "HCPC" not in titles or "RECID" not in titles:
                continue
            places = {title: place for place, title in enumerate(titles) if title}
            if twice := {title for title in places if titles.count(title) > 1}:
                raise RowError(
                    file.name, index + 1, ", ".join(sorted(twice)), "expected each column once; it is there twice"
                )
            needed = {"LONGDESCRIPTION", "SHORTDESCRIPTION"}
            lacks = []
            for field in FIELDS:
                if places.keys() & set(field.titles) or field.name in ESSENTIAL:
                    needed |= set(field.titles)
                else:
                    lacks.append(field.name)
            if missing := needed - places.keys():
                raise RowError(file.name, index + 1, 1, f"expected the columns {', '.join(sorted(missing))}, too")
            return Table(rows, index, places, tuple(lacks))
    raise RowError(
        file.name, 1, 1, f"expected a row with the titles HCPC, SEQNUM, RECID … among the first {MAX_PREAMBLE}"
    )


def read_workbook(file: ReleaseFile, table: Table) -> Iterator[Entry]:
    """The workbook: one row a code, but a description beyond 1,024 characters goes on in a continuation row."""
    places = table.places
    entry: Entry | None = None
    for index, row in enumerate(table.rows[table.header + 1 :], start=table.header + 1):
        number = index + 1
        if not any(cell != "" for cell in row):
            continue
        cells = {title: cell_text(file, number, title, row[place]) for title, place in places.items()}
        record, code = cells["RECID"].strip(), cells["HCPC"].strip()
        if record not in {"3", "4", "7", "8"}:
            raise RowError(file.name, number, "RECID", f"expected the record id 3, 4, 7 or 8, found {record!r}")
        if record in {"3", "7"}:
            if entry:
                yield entry
            entry = workbook_entry(number, record, code, cells, lacks=table.lacks)
        elif entry is None or (entry.code, entry.record) != (code, {"4": "3", "8": "7"}[record]):
            raise RowError(file.name, number, "HCPC", f"expected the first row of {code} before its continuation")
        else:
            entry.long.append(cells["LONGDESCRIPTION"])
    if entry:
        yield entry


def workbook_entry(number: int, record: str, code: str, cells: dict[str, str], *, lacks: Sequence[str]) -> Entry:
    return Entry(
        line=number,
        record=record,
        code=code,
        code_column="HCPC",
        long=[cells["LONGDESCRIPTION"]],
        long_column="LONG DESCRIPTION",
        short=cells["SHORTDESCRIPTION"],
        value=lambda field: None if field.name in lacks else [cells[title] for title in field.titles],
        column=lambda field: " ".join(field.titles),
    )


def cell_text(file: ReleaseFile, number: int, title: str, cell: Any) -> str:
    """A cell as the text form has it: Excel turns some of CMS's dates and numbers into its own."""
    if isinstance(cell, bool):
        raise RowError(file.name, number, title, f"expected text, found {cell}")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, datetime.date):
        return f"{cell:%Y%m%d}"
    text = str(cell)
    if bad := CONTROL.search(text):
        raise RowError(file.name, number, title, f"expected text, found the control character {bad.group()!r}")
    return text


def read_csv(file: ReleaseFile) -> Iterator[Entry]:
    lines = (f"{line}\n" for _, line in read_lines(file, encoding="utf-8"))
    rows = csv.reader(lines, strict=True)
    try:
        header = [title.strip().lower() for title in next(rows)]
        if sorted(header) != sorted(CSV_TITLES):
            found = ",".join(header)[:200]
            raise RowError(file.name, 1, 1, f"expected the header {','.join(CSV_TITLES)}, found {found}")
        end = rows.line_num
        for row in rows:
            number, end = end + 1, rows.line_num
            if not row:
                continue
            if len(row) != len(header):
                raise RowError(
                    file.name,
                    number,
                    min(len(row), len(header)) + 1,
                    f"expected {len(header)} columns, found {len(row)}",
                )
            yield csv_entry(number, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise RowError(file.name, max(rows.line_num, 1), 1, f"expected comma-separated values: {error}") from None


def csv_entry(number: int, cells: dict[str, str]) -> Entry:
    return Entry(
        line=number,
        record="3",
        code=cells["code"].strip(),
        code_column="code",
        long=[cells["long_description"]],
        long_column="long_description",
        short=cells["short_description"],
        value=lambda field: [cells[CSV_FIELDS[field.name]]] if field.name in CSV_FIELDS else None,
        column=lambda field: CSV_FIELDS[field.name],
    )


def label_in(name: str) -> str | None:
    """HCPC2025_OCT_ANWEB_v2.txt → 2025Q4; a name with "sample" in it tells a sample."""
    match = re.search(r"(?i)HCPC(?P<year>(?:19|20)[0-9]{2})(?:_(?P<month>[A-Z]{3})_)?", name)
    quarter = re.search(r"(?P<label>(?:19|20)[0-9]{2}[Qq][1-4])(?![0-9])", name)
    if quarter:
        label = quarter["label"].upper()
    elif match and (match["month"] or "").upper() in MONTHS:
        month = MONTHS.index(match["month"].upper()) + 1
        label = f"{match['year']}Q{month // 3 + 1}" if month % 3 == 1 else f"{match['year']}-{month:02}"
    elif match:
        label = match["year"]
    else:
        return None
    return f"{label}-sample" if "sample" in name.lower() else label
