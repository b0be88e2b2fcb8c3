"""HCPCS Level II, as CMS publishes it: codes and modifiers with text, dates and administrative data."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import ClassVar

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from psycopg.sql import SQL, Composable, Identifier

from codes.imports.hcpcs_files import (
    CODES,
    CSV_LACKS,
    FIELDS,
    MODIFIERS,
    NAMES,
    checked,
    find_table,
    label_in,
    read_csv,
    read_text,
    read_workbook,
)
from codes.imports.placing import place_codes
from codes.models import CodeSystem
from releases.importers import EditionName, Reading, ReleaseError, ReleaseFile
from releases.reading import is_zip


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
            # The words of ten thousand texts go into the search index at once: one by one took ten times as long.
            "SET LOCAL gin_pending_list_limit = '64MB'",
            DESCRIPTORS,
            "SELECT gin_clean_pending_list('descriptor_long_trigrams')",
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
