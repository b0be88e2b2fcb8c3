"""Sources and editions → what the freshness board, an edition's page and the admin show."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from releases.importers import Importer
from releases.models import Edition, Source
from releases.reports import GroupReport, ImportReport

NAMES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Crumb:
    label: str
    url: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One current edition, or a source that has none yet."""

    source: str
    variant: str
    label: str = ""
    url: str = ""
    effective_on: datetime.date | None = None
    imported_on: datetime.date | None = None
    age: str = ""
    holds: str = ""  # "6,440 codes, 360 modifiers"
    state: str = "Nothing imported yet"
    kind: str = "neutral"  # of the badge: "good", "warning", "info", "neutral"


@dataclass(frozen=True, slots=True)
class SourceView:
    name: str
    publisher: str
    cadence: str
    licence: str
    url: str
    notes: str
    rows: list[BoardRow]


@dataclass(frozen=True, slots=True)
class Name:
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class NameList:
    """The codes behind a count, such as those no longer listed."""

    title: str
    names: list[Name]
    more: int  # how many are not shown


@dataclass(frozen=True, slots=True)
class GroupView:
    title: str  # "Codes"
    counts: list[tuple[str, int]]
    columns: str  # where the changed ones differ: "coverage 2, terminated on 30"
    lists: list[NameList] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EditionView:
    title: str
    breadcrumb: list[Crumb]
    row: BoardRow
    compared_with: str
    groups: list[GroupView]
    lacks: list[str]
    skipped: list[tuple[str, int]]
    files: list[tuple[str, int, str]]  # name, size, sha256
    others: list[tuple[str, str]]  # label and address of the other editions, newest first


def present_board(sources: Sequence[Source], *, today: datetime.date) -> list[SourceView]:
    """The sources in alphabetical order; needs `for_board()`."""
    return [
        SourceView(
            name=source.name,
            publisher=source.publisher,
            cadence=source.cadence,
            licence=source.licence,
            url=source.url,
            notes=source.notes,
            rows=[present_row(edition, source=source, today=today) for edition in source.editions.all()]
            or [BoardRow(source=source.name, variant="")],
        )
        for source in sources
    ]


def present_row(edition: Edition, *, source: Source, today: datetime.date) -> BoardRow:
    state, kind = state_of(edition, source=source, today=today)
    report = ImportReport.from_json(edition.report)
    return BoardRow(
        source=source.name,
        variant=edition.variant,
        label=edition.label,
        url=edition.address_in(source),
        effective_on=edition.effective_on,
        imported_on=edition.imported_at.date(),
        age=age_in_words(today - edition.effective_on),
        holds=", ".join(f"{group.rows:,} {group.name}" for group in report.groups)
        if report
        else f"{edition.row_count:,} rows",
        state=state,
        kind=kind,
    )


def state_of(edition: Edition, *, source: Source, today: datetime.date) -> tuple[str, str]:
    """What a reader should think of the edition's age, and the kind of its badge."""
    if not edition.is_current:
        return "Stored, not current", "neutral"
    if edition.is_sample:
        return "Sample for development", "info"
    if edition.effective_on > today:
        return "Ahead of its effective date", "info"
    if source.cadence_months and today >= add_months(edition.effective_on, source.cadence_months):
        return "A newer edition is due", "warning"
    return "Up to date", "good"


def add_months(day: datetime.date, months: int) -> datetime.date:
    """Editions take effect on early days of a month, so the day always exists."""
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1, day=min(day.day, 28))


def age_in_words(age: datetime.timedelta) -> str:
    if age.days < 0:
        return "not in effect yet"
    for size, unit in [(365.25, "year"), (30.44, "month"), (1, "day")]:
        count = int(age.days / size)
        if count >= (2 if unit != "day" else 0):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("days are counted from 0")


def present_edition(edition: Edition, others: Sequence[Edition], *, today: datetime.date) -> EditionView:
    """An edition with its report; needs `for_report()`. Remarks are for editors and stay in the admin."""
    source = edition.source
    report = ImportReport.from_json(edition.report)
    importer = importer_of(source)
    return EditionView(
        title=str(edition),
        breadcrumb=[
            Crumb("Sources", reverse("releases:board")),
            Crumb(" ".join(filter(None, [source.name, edition.variant]))),
            Crumb(edition.label, is_current=True),
        ],
        row=present_row(edition, source=source, today=today),
        compared_with=(report.predecessor or "") if report else "",
        groups=[present_group(group, importer) for group in report.groups] if report else [],
        lacks=report.lacks if report else [],
        skipped=list(report.skipped.items()) if report else [],
        files=[(file.name, file.size, file.sha256) for file in edition.files.all()],
        others=[(other.label, other.address_in(source)) for other in others if other.pk != edition.pk],
    )


def importer_of(source: Source) -> Importer | None:
    path = settings.RELEASE_SOURCES.get(source.slug)
    return import_string(path)() if path else None


def present_group(group: GroupReport, importer: Importer | None) -> GroupView:
    """ "No longer listed" and "newly terminated" are different things, here as everywhere."""
    counts = [("Listed", group.rows)]
    if group.compared:
        counts += [
            ("Added", group.added),
            ("Changed", group.changed),
            *((f"{text.capitalize()} reworded", count) for text, count in group.reworded.items()),
            ("Newly terminated", group.newly_terminated),
            ("No longer listed", group.no_longer_listed),
            ("Unchanged", group.unchanged),
        ]
    lists = []
    for key, title in [
        ("added", "Added"),
        ("newly_terminated", "Newly terminated"),
        ("no_longer_listed", "No longer listed"),
        ("changed", "Changed"),
    ]:
        if names := group.names.get(key):
            shown = [
                Name(name, importer.address(group.group, name) if importer else "") for name in names[:NAMES_SHOWN]
            ]
            total = getattr(group, key)
            lists.append(NameList(title=f"{title}: {total:,}", names=shown, more=total - len(shown)))
    columns = ", ".join(f"{column} {count:,}" for column, count in sorted(group.by_column.items()))
    return GroupView(group.name.capitalize(), counts, columns, lists)
