"""HCPCS Level II, as CMS publishes it: codes and modifiers with text, dates and administrative data.

Three forms of the same content are accepted: the fixed-width ANWEB text (320 columns, cp1252), its workbook, and a CSV
with fewer columns. All give the same rows; what a form does not have is NULL, "unknown", never blank.
"""

import csv
import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, ClassVar

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from psycopg.sql import SQL, Composable, Identifier

from codes.imports.placing import place_codes
from codes.models import CodeSystem
from releases.importers import MONTHS, EditionName, Reading, ReleaseError, ReleaseFile, Row, RowError
from releases.reading import CONTROL, is_zip, read_lines, read_sheets

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


class HcpcsImporter:
    variants: ClassVar[Sequence[str]] = ()
    columns: ClassVar[Mapping[str, str]] = {
        "system": "text",
        "code": 'text COLLATE "C"',
        "line": "integer",
        "long": "text",
        "short": "text",
        **{field.name: field.sql_type for field in FIELDS},
    }
    key: ClassVar[Sequence[str]] = ("system", "code")
    # The action code tells what CMS did in this edition, so it says nothing about the code itself.
    compared: ClassVar[Sequence[str]] = ("long", "short", *(name for name in NAMES if name != "action"))
    groups: ClassVar[Mapping[str, str]] = {CODES: "codes", MODIFIERS: "modifiers"}
    words: ClassVar[Mapping[str, str]] = {
        "cim_references": "CIM references",
        "mcm_references": "MCM references",
        "asc_group": "ASC group",
        "asc_effective_on": "ASC effective date",
        "opps_group": "OPPS group",
        "opps_indicator": "OPPS indicator",
        "opps_effective_on": "OPPS effective date",
        "betos": "BETOS",
    }
    reworded: ClassVar[Mapping[str, str]] = {"long": "long descriptions", "short": "short descriptions"}
    terminated: ClassVar[str | None] = "terminated_on"
    name_column: ClassVar[str] = "code"
    chapter: ClassVar[str] = "left(code, 1)"

    def choose(self, container: str, names: Sequence[str]) -> list[str]:
        """The ANWEB file, as text if there is a choice: CMS's archives hold both forms and reports about them."""
        anweb = [
            name
            for name in names
            if re.fullmatch(r"(?i)HCPC\d{4}.*ANWEB.*\.(txt|xlsx)", PurePath(name).name)
            and not re.search(r"(?i)trans|correction|noc|__MACOSX", name)
        ]
        found = [name for name in anweb if name.lower().endswith(".txt")] or anweb
        if not found:
            held = ", ".join(sorted(names)[:10]) or "nothing"
            raise ReleaseError(
                f"{container} has no HCPCS file: expected one such as HCPC2019_CONTR_ANWEB.txt or .xlsx."
                f" It has: {held}."
            )
        if len(found) > 1:
            raise ReleaseError(f"{container} has several HCPCS files: {', '.join(found)}. Import one by itself.")
        return found

    def identify(self, names: Sequence[str]) -> EditionName | None:
        """From CMS's names: HCPC2019_CONTR_ANWEB → 2019, HCPC2025_OCT_ANWEB → 2025Q4, …2026Q1.csv → 2026Q1."""
        labels = {label for name in names if (label := label_in(name))}
        if len(labels) > 1:
            raise ReleaseError(
                f"The file names tell different editions: {', '.join(sorted(labels))}."
                " Say which, such as --edition 2026Q1."
            )
        return EditionName.parse(labels.pop()) if labels else None

    def read(self, files: Sequence[ReleaseFile]) -> Reading:
        if len(files) != 1:
            raise ReleaseError(f"An edition of HCPCS is one file; these are {len(files)}.")
        file = files[0]
        skipped: dict[str, int] = {}
        lacks: tuple[str, ...] = ()
        if is_zip(file):
            table = find_table(file)
            lacks = table.lacks
            entries = read_workbook(file, table)
        elif file.name.lower().endswith(".csv"):
            lacks = CSV_LACKS
            entries = read_csv(file)
        else:
            entries = read_text(file)
        return Reading(checked(file, entries, skipped), lacks, lambda: skipped)

    def stored(self) -> str:
        columns = ", ".join(f"r.{field.name}::{field.sql_type}" for field in FIELDS)
        return (
            f"SELECT system.slug::text AS system, code.code::text AS code, d.long, d.short, {columns}"  # noqa: S608
            " FROM codes_hcpcsrecord r"
            " JOIN codes_code code ON code.id = r.code_id"
            " JOIN codes_codesystem system ON system.id = code.system_id"
            " JOIN codes_descriptor d ON d.code_id = r.code_id AND d.edition_id = r.edition_id"
            " WHERE r.edition_id = %(edition)s"
        )

    def write(self, cursor: CursorWrapper, *, edition_id: int) -> None:
        columns = [Identifier(name) for name in NAMES]
        records: Composable = SQL(RECORDS).format(
            columns=SQL(", ").join(columns),
            staged=SQL(", ").join(SQL("s.") + column for column in columns),
            updates=SQL(", ").join(SQL("{0} = excluded.{0}").format(column) for column in columns),
        )
        # Statistics from before an import that fills the tables would make every join below a nested loop: minutes.
        for statement in (
            *NOT_STAGED,
            NEW_CODES,
            "ANALYZE codes_code",
            DESCRIPTORS,
            records.as_string(cursor.connection),
            "ANALYZE codes_descriptor, codes_hcpcsrecord",
        ):
            cursor.execute(statement, {"edition": edition_id})

    def refresh(self, cursor: CursorWrapper, *, current_id: int, written_id: int | None = None) -> None:
        cursor.execute(CURRENT_COLUMNS, {"current": current_id, "written": written_id})
        for system in CodeSystem.objects.filter(slug__in=self.groups):
            place_codes(system)

    def address(self, group: str, name: str) -> str:
        return reverse("codes:code", args=[group, name])

    def remarks(self, cursor: CursorWrapper, *, edition_id: int) -> list[str]:
        """Editors' wordings whose imported original is not what it was when they were written."""
        cursor.execute(CHANGED_ORIGINALS, {"edition": edition_id})
        return [
            f"Editor's wording of {code}: the original changed. It was: {was} It is: {now}"
            for code, was, now in cursor.fetchall()
        ]


# --- From bytes to rows ------------------------------------------------------------------------------------------


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


# --- From staging to the tables ----------------------------------------------------------------------------------

NEW_CODES = """
INSERT INTO codes_code (system_id, code, position, is_resequenced, is_addon)
SELECT system.id, s.code, s.code, false, false
FROM release_staging s JOIN codes_codesystem system ON system.slug = s.system
ORDER BY s.system, s.code
ON CONFLICT (system_id, code) DO NOTHING
"""

DESCRIPTORS = """
INSERT INTO codes_descriptor (edition_id, code_id, long, medium, short, line)
SELECT %(edition)s, code.id, s.long, '', s.short, s.line
FROM release_staging s
JOIN codes_codesystem system ON system.slug = s.system
JOIN codes_code code ON code.system_id = system.id AND code.code = s.code
ORDER BY code.id
ON CONFLICT (code_id, edition_id) DO UPDATE SET long = excluded.long, short = excluded.short, line = excluded.line
"""

RECORDS = """
INSERT INTO codes_hcpcsrecord (edition_id, code_id, {columns})
SELECT %(edition)s, code.id, {staged}
FROM release_staging s
JOIN codes_codesystem system ON system.slug = s.system
JOIN codes_code code ON code.system_id = system.id AND code.code = s.code
ORDER BY code.id
ON CONFLICT (code_id, edition_id) DO UPDATE SET {updates}
"""

STAGED = """
SELECT 1 FROM release_staging s
JOIN codes_codesystem system ON system.slug = s.system
JOIN codes_code code ON code.system_id = system.id AND code.code = s.code
WHERE code.id = kept.code_id
"""
# Another file of the same edition may lack rows. Their codes forget everything first; refresh() then finds what other
# editions know of them.
NOT_STAGED = [
    f"""
    UPDATE codes_code SET
        descriptor_id = NULL, added_on = NULL, changed_on = NULL, terminated_on = NULL, successors = NULL,
        delisted_in_id = NULL
    FROM codes_hcpcsrecord kept
    WHERE kept.code_id = codes_code.id AND kept.edition_id = %(edition)s AND NOT EXISTS ({STAGED})
    """,  # noqa: S608 - literals
    *(
        f"DELETE FROM {table} kept WHERE edition_id = %(edition)s AND NOT EXISTS ({STAGED})"  # noqa: S608 - literals
        for table in ("codes_descriptor", "codes_hcpcsrecord")
    ),
]

# The current columns of a code follow from the records of the current edition and the stored ones before it:
# - text and dates come from the newest edition that lists the code and knows them; a form that lacks a column blanks
#   nothing that an older edition knew;
# - successors come from the cross-references of the newest edition that had the code terminated (or named some): what
#   an edition says about a code that was then in force says nothing about its end;
# - a code is no longer listed since the first whole edition after the last that listed it, if that edition's files
#   have rows of its kind at all.
CURRENT_COLUMNS = """
WITH current AS (SELECT * FROM releases_edition WHERE id = %(current)s),
branch AS (
    SELECT e.* FROM releases_edition e, current
    WHERE e.source_id = current.source_id AND e.variant = current.variant
),
past AS (
    SELECT e.id, e.lacks, e.is_sample,
        row_number() OVER (ORDER BY e.id = %(current)s, e.is_sample DESC, e.effective_on, e.id) AS place
    FROM branch e, current
    WHERE (NOT e.is_sample, e.effective_on) <= (NOT current.is_sample, current.effective_on)
),
known AS (
    SELECT r.code_id,
        max(past.place) AS last_place,
        (array_agg(past.id ORDER BY past.place DESC))[1] AS last_edition_id,
        (array_agg(r.added_on ORDER BY past.place DESC) FILTER (WHERE 'added_on' <> ALL (past.lacks)))[1] AS added_on,
        (array_agg(r.changed_on ORDER BY past.place DESC)
            FILTER (WHERE 'changed_on' <> ALL (past.lacks)))[1] AS changed_on,
        (array_agg(r.terminated_on ORDER BY past.place DESC)
            FILTER (WHERE 'terminated_on' <> ALL (past.lacks)))[1] AS terminated_on,
        (array_agg(r.id ORDER BY past.place DESC) FILTER (
            WHERE r.cross_references IS NOT NULL AND (r.terminated_on IS NOT NULL OR r.cross_references <> '{}')
        ))[1] AS naming_record_id
    FROM codes_hcpcsrecord r JOIN past ON past.id = r.edition_id
    GROUP BY r.code_id
),
fresh AS (
    SELECT code.id,
        d.id AS descriptor_id,
        known.added_on,
        known.changed_on,
        known.terminated_on,
        CASE
            WHEN known.code_id IS NULL THEN NULL
            WHEN known.terminated_on IS NULL THEN '{}'::varchar[]
            ELSE naming.cross_references::varchar[]
        END AS successors,
        (
            SELECT past.id FROM past
            WHERE past.place > known.last_place AND NOT past.is_sample AND system.slug <> ALL (past.lacks)
                AND NOT (SELECT is_sample FROM past last WHERE last.id = known.last_edition_id)
            ORDER BY past.place LIMIT 1
        ) AS delisted_in_id
    FROM codes_code code
    JOIN codes_codesystem system ON system.id = code.system_id
    LEFT JOIN known ON known.code_id = code.id
    LEFT JOIN codes_descriptor d ON d.code_id = code.id AND d.edition_id = known.last_edition_id
    LEFT JOIN codes_hcpcsrecord naming ON naming.id = known.naming_record_id
    WHERE EXISTS (SELECT 1 FROM codes_hcpcsrecord r JOIN branch ON branch.id = r.edition_id WHERE r.code_id = code.id)
        AND (%(written)s::bigint IS NULL OR NOT EXISTS (
            SELECT 1 FROM codes_hcpcsrecord r WHERE r.code_id = code.id AND r.edition_id <> %(written)s
        ))
)
UPDATE codes_code code SET
    descriptor_id = fresh.descriptor_id,
    added_on = fresh.added_on,
    changed_on = fresh.changed_on,
    terminated_on = fresh.terminated_on,
    successors = fresh.successors,
    delisted_in_id = fresh.delisted_in_id
FROM fresh
WHERE code.id = fresh.id
    AND (code.descriptor_id, code.added_on, code.changed_on, code.terminated_on, code.successors, code.delisted_in_id)
    IS DISTINCT FROM
    (fresh.descriptor_id, fresh.added_on, fresh.changed_on, fresh.terminated_on, fresh.successors, fresh.delisted_in_id)
"""

CHANGED_ORIGINALS = """
SELECT code.code, override.original, d.long
FROM codes_descriptoroverride override
JOIN codes_code code ON code.id = override.code_id
JOIN codes_descriptor d ON d.code_id = code.id AND d.edition_id = %(edition)s
WHERE d.long <> override.original
ORDER BY code.code
"""
