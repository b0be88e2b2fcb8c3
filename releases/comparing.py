"""Staging and comparing, in the database: rows are copied into a temporary table and joined with the stored ones."""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Composable, Identifier, Literal

from releases.importers import Importer, Progress, Reading, ReleaseError, words_for
from releases.models import Edition
from releases.reports import NAMES_KEPT, GroupReport, shorten

PROGRESS_EVERY = 5_000  # rows
# Shares beyond which an edition is surprising. CMS's yearly changes are far below; a cut or misread file is far above.
MAX_NO_LONGER_LISTED = 0.20
MAX_NEWLY_TERMINATED = 0.20
MAX_REWORDED = 0.50
FEW = 10  # rows of a chapter that may go without a question


def stage(cursor: CursorWrapper, importer: Importer, reading: Reading, *, progress: Progress) -> int:
    """Copies the rows into `release_staging`, which ends with the transaction. Returns their number."""
    names = SQL(", ").join(map(Identifier, importer.columns))
    columns = SQL(", ").join(
        SQL("{} {}").format(Identifier(name), SQL(kind)) for name, kind in importer.columns.items()
    )
    cursor.execute("DROP TABLE IF EXISTS pg_temp.release_staging")
    run(cursor, SQL("CREATE TEMP TABLE release_staging ({}) ON COMMIT DROP").format(columns))
    count = 0
    with cursor.copy(SQL("COPY release_staging ({}) FROM STDIN").format(names)) as copy:
        for row in reading.rows:
            copy.write_row(row)
            count += 1
            if count % PROGRESS_EVERY == 0:
                progress("Reading", count, None)
    progress("Reading", count, count)
    cursor.execute("ANALYZE release_staging")
    return count


def compare(
    cursor: CursorWrapper, importer: Importer, *, lacks: Sequence[str], predecessor: Edition | None
) -> list[GroupReport]:
    """What staging changes against an edition. What either of the two does not know is not compared."""
    unknown = {*lacks, *(predecessor.lacks if predecessor else [])}
    groups = [group for group in importer.groups if group not in lacks]
    difference(cursor, importer, unknown=unknown, predecessor=predecessor)
    return [report_group(cursor, importer, group, unknown=unknown, predecessor=predecessor) for group in groups]


def difference(cursor: CursorWrapper, importer: Importer, *, unknown: set[str], predecessor: Edition | None) -> None:
    """Fills the temporary table `release_difference`: one row a key, with what happened to it."""

    def differs(column: str) -> Composable:
        return SQL("s.{0} IS DISTINCT FROM p.{0}").format(Identifier(column))

    group = Identifier(importer.key[0])
    columns = [column for column in importer.compared if column not in unknown]
    flags = [SQL(", {} AS {}").format(differs(column), Identifier(f"differs_{column}")) for column in columns]
    terminated: Composable = SQL("false")
    if importer.terminated in columns:
        terminated = SQL("p.{0} IS NULL AND s.{0} IS NOT NULL").format(Identifier(importer.terminated or ""))
    cursor.execute("DROP TABLE IF EXISTS pg_temp.release_difference")
    run(
        cursor,
        SQL(
            "CREATE TEMP TABLE release_difference ON COMMIT DROP AS"
            " SELECT {group} AS of_group, {name} AS name, {chapter} AS chapter,"
            " CASE WHEN p.{group} IS NULL THEN 'added' WHEN s.{group} IS NULL THEN 'no_longer_listed'"
            " WHEN {changed} THEN 'changed' ELSE 'unchanged' END AS state,"
            " p.{group} IS NOT NULL AND {terminated} AS newly_terminated {flags}"
            " FROM release_staging s FULL JOIN ({stored}) p USING ({key})"
        ).format(
            group=group,
            name=Identifier(importer.name_column),
            chapter=SQL(importer.chapter),
            changed=SQL(" OR ").join(map(differs, columns)) if columns else SQL("false"),
            terminated=terminated,
            flags=SQL("").join(flags),
            stored=SQL(importer.stored()),
            key=SQL(", ").join(map(Identifier, importer.key)),
        ),
        {"edition": predecessor.pk if predecessor else None},
    )


def report_group(
    cursor: CursorWrapper, importer: Importer, group: str, *, unknown: set[str], predecessor: Edition | None
) -> GroupReport:
    columns = [column for column in importer.compared if column not in unknown]
    counts = [
        SQL("count(*) FILTER (WHERE state <> 'no_longer_listed')"),
        SQL("count(*) FILTER (WHERE state <> 'added')"),
        *(
            SQL("count(*) FILTER (WHERE state = {})").format(Literal(state))
            for state in ("added", "changed", "unchanged", "no_longer_listed")
        ),
        SQL("count(*) FILTER (WHERE newly_terminated)"),
        *(
            SQL("count(*) FILTER (WHERE state = 'changed' AND {})").format(Identifier(f"differs_{column}"))
            for column in columns
        ),
    ]
    compared = predecessor is not None and group not in predecessor.lacks
    run(
        cursor,
        SQL("SELECT {} FROM release_difference WHERE of_group = {}").format(SQL(", ").join(counts), Literal(group)),
    )
    rows, before, added, changed, unchanged, gone, terminated, *differing = cursor.fetchone()
    by_column = dict(zip(columns, differing, strict=True))
    reworded = {text: by_column.pop(column) for column, text in importer.reworded.items() if column in by_column}
    return GroupReport(
        group=group,
        name=importer.groups[group],
        compared=compared,
        rows=rows,
        rows_before=before,
        added=added if compared else 0,
        changed=changed,
        unchanged=unchanged,
        no_longer_listed=gone,
        newly_terminated=terminated,
        reworded=reworded if compared else {},
        by_column={words_for(importer, column): count for column, count in by_column.items() if count},
        names=names_of(cursor, group) if compared else {},
    )


def names_of(cursor: CursorWrapper, group: str) -> dict[str, list[str]]:
    found = {}
    for what, condition in {
        "added": "state = 'added'",
        "changed": "state = 'changed'",
        "no_longer_listed": "state = 'no_longer_listed'",
        "newly_terminated": "newly_terminated",
    }.items():
        cursor.execute(
            f"SELECT name FROM release_difference WHERE of_group = %s AND {condition}"  # noqa: S608 - literals above
            ' ORDER BY name COLLATE "C" LIMIT %s',
            [group, NAMES_KEPT],
        )
        found[what] = [name for (name,) in cursor.fetchall()]
    return found


def surprises(cursor: CursorWrapper, groups: Sequence[GroupReport]) -> list[str]:
    """Why a careful person would look twice before publishing, each as a sentence."""
    found = []
    for group in groups:
        if not group.rows_before:
            continue
        if group.no_longer_listed > max(MAX_NO_LONGER_LISTED * group.rows_before, 1):
            found.append(
                f"{group.no_longer_listed:,} of {group.rows_before:,} {group.name} are no longer listed"
                f" ({shorten(group.names['no_longer_listed'], keep=5)})"
            )
        if group.newly_terminated > max(MAX_NEWLY_TERMINATED * group.rows_before, FEW):
            found.append(f"{group.newly_terminated:,} of {group.rows_before:,} {group.name} are newly terminated")
        found += [
            f"{count:,} {text} of {group.rows_before:,} {group.name} are reworded"
            for text, count in group.reworded.items()
            if count > max(MAX_REWORDED * group.rows_before, FEW)
        ]
    return found or missing_chapters(cursor, groups)


def missing_chapters(cursor: CursorWrapper, groups: Sequence[GroupReport]) -> list[str]:
    """A file that was cut at a line end looks whole, but its last chapters are thin."""
    cursor.execute(
        "SELECT of_group, chapter, count(*) FILTER (WHERE state = 'no_longer_listed') AS gone, count(*)"
        " FROM release_difference WHERE state <> 'added' GROUP BY of_group, chapter ORDER BY of_group, chapter"
    )
    names = {group.group: group.name for group in groups}
    return [
        f"{gone:,} of {before:,} {names[of_group]} that start with {chapter} are no longer listed; was the file cut?"
        for of_group, chapter, gone, before in cursor.fetchall()
        if of_group in names and gone > max(MAX_NO_LONGER_LISTED * before, FEW)
    ]


def refuse_surprises(cursor: CursorWrapper, groups: Sequence[GroupReport]) -> None:
    """Raises with a readable difference; nothing is written."""
    if found := surprises(cursor, groups):
        raise ReleaseError(
            f"This edition is surprising: {'; '.join(found)}. Nothing was changed."
            " If the publisher says so too, import it with --accept-removals."
        )


def run(cursor: CursorWrapper, query: Composable, params: dict[str, int | None] | None = None) -> None:
    cursor.execute(query.as_string(cursor.connection), params)
