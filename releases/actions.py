"""Every write of releases: importing an edition, and saying which edition is current."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django.utils.module_loading import import_string

from releases.comparing import compare, refuse_surprises, stage
from releases.fetching import digest_of, fetch
from releases.importers import (
    AlreadyImported,
    EditionName,
    Importer,
    Progress,
    ReleaseError,
    ReleaseFile,
    quiet,
    words_for,
)
from releases.models import Edition, EditionFile, Source
from releases.reports import GroupReport, ImportReport, shorten


def importer_for(source: Source) -> Importer:
    """The importer that settings.RELEASE_SOURCES names for a source."""
    importer: Importer = import_string(settings.RELEASE_SOURCES[source.slug])()
    return importer


def import_release(
    *,
    source: Source,
    places: Sequence[str],
    variant: str = "",
    label: str = "",
    dry_run: bool = False,
    accept_removals: bool = False,
    replace: bool = False,
    progress: Progress = quiet,
) -> ImportReport:
    """Imports one edition from files, directories, archives or https addresses, and publishes it if it is the newest.

    All or nothing: raises ReleaseError with one sentence and leaves no trace, or AlreadyImported when there is nothing
    to do. `replace` takes other bytes for an edition that is here; `dry_run` reports and writes nothing.
    """
    started = time.monotonic()
    importer = importer_for(source)
    if variant not in (importer.variants or ("",)):
        wanted = f"Give --variant {' or '.join(importer.variants)}" if importer.variants else "Leave --variant out"
        raise ReleaseError(f"{source.slug} has no variant {variant!r}. {wanted}.")
    with TemporaryDirectory(prefix="release-") as folder:
        files = fetch(places, importer=importer, into=Path(folder), progress=progress)
        names = [Path(file.name).name for file in files] + [Path(place).name for place in places]
        name = EditionName.parse(label) if label else importer.identify(names)
        if name is None:
            raise ReleaseError(
                f"No file name tells which edition this is ({', '.join(names)}). Say it, such as --edition 2026Q1."
            )
        with transaction.atomic(), connection.cursor() as cursor:
            lock(cursor, source)
            report = load(
                cursor,
                importer,
                Edition(
                    source=source,
                    variant=variant,
                    label=name.label,
                    effective_on=name.effective_on,
                    is_sample=name.is_sample,
                    sha256=digest_of(files),
                ),
                files,
                accept_removals=accept_removals,
                replace=replace,
                dry_run=dry_run,
                started=started,
                progress=progress,
            )
            if dry_run:
                transaction.set_rollback(True)
    return report


def lock(cursor: CursorWrapper, source: Source) -> None:
    """One import or publication of a source at a time; the lock ends with the transaction, whatever ends that."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('releases'), hashtext(%s))", [source.slug])
    if not cursor.fetchone()[0]:
        raise ReleaseError(f"Another import or publication of {source.slug} is running. Try again when it is done.")


def load(
    cursor: CursorWrapper,
    importer: Importer,
    edition: Edition,
    files: Sequence[ReleaseFile],
    *,
    accept_removals: bool,
    replace: bool,
    dry_run: bool,
    started: float,
    progress: Progress,
) -> ImportReport:
    """Stages, compares, refuses, writes and publishes, inside the caller's transaction."""
    branch = Edition.objects.branch(edition.source, edition.variant)
    if (same := branch.filter(sha256=edition.sha256).first()) and not replace:
        hint = "" if same.is_current else f" To make it current: publish_release {same.source.slug} {same.label}"
        raise AlreadyImported(f"{same} is already imported: the same bytes. Nothing changed.{hint}")
    reading = importer.read(files)
    edition.row_count = stage(cursor, importer, reading, progress=progress)
    edition.lacks = list(reading.lacks)
    if here := branch.filter(label=edition.label).first():
        if not (replace or here.is_sample):
            refuse_other_bytes(cursor, importer, edition, here)
        edition.pk, edition.is_current, edition.published_at = here.pk, here.is_current, here.published_at
        edition.imported_at = timezone.now()
    current = branch.current().exclude(pk=edition.pk).first()
    predecessor = predecessor_of(edition, current=current)
    groups = compare(cursor, importer, lacks=edition.lacks, predecessor=predecessor)
    if not accept_removals:
        refuse_surprises(cursor, groups)
    progress("Writing", 0, None)
    replaced = edition.pk is not None
    edition.save()
    edition.files.all().delete()
    EditionFile.objects.bulk_create(
        EditionFile(edition=edition, name=file.name, sha256=file.sha256, size=file.size, fetched_from=file.fetched_from)
        for file in files
    )
    importer.write(cursor, edition_id=edition.pk)
    remarks: list[str] = []
    if current and (replaced or edition.is_older_than(current)):
        importer.refresh(cursor, current_id=current.pk, written_id=None if replaced else edition.pk)
        why = "" if replaced else f" {edition.label} is older."
        outcome = f"Stored.{why} {current.label} stays the current edition."
    else:
        make_current(edition)
        importer.refresh(cursor, current_id=edition.pk)
        remarks = importer.remarks(cursor, edition_id=edition.pk)
        outcome = f"Published. {edition.label} is the current edition."
    report = ImportReport(
        source=edition.source.name,
        edition=edition.label,
        outcome=f"Dry run: nothing was written. Without it: {outcome}" if dry_run else outcome,
        predecessor=predecessor.label if predecessor else None,
        groups=groups,
        lacks=[words_for(importer, name) for name in edition.lacks],
        skipped=reading.skipped(),
        remarks=remarks,
        seconds=round(time.monotonic() - started, 2),
    )
    edition.report = report.as_json()
    edition.save(update_fields=["report"])
    return report


def predecessor_of(edition: Edition, *, current: Edition | None) -> Edition | None:
    """The whole edition that this one follows: the current one, or for an older one the newest before it."""
    if edition.is_sample:
        return None  # most of a whole edition would seem to be missing
    if current and not current.is_sample and not edition.is_older_than(current):
        return current
    before = Edition.objects.branch(edition.source, edition.variant).whole().exclude(pk=edition.pk)
    return before.filter(effective_on__lt=edition.effective_on).in_order().last()


def refuse_other_bytes(cursor: CursorWrapper, importer: Importer, edition: Edition, here: Edition) -> None:
    """Another file of an edition that is here: nothing to do if it says the same, a decision for a person if not."""
    groups = compare(cursor, importer, lacks=edition.lacks, predecessor=here)
    found = [sentence for group in groups if (sentence := difference_of(group))]
    known = f"{here} is already imported from other bytes"
    if found:
        raise ReleaseError(f"{known}. Differences: {'; '.join(found)}. To take the new file, add --replace.")
    extra = [words_for(importer, name) for name in here.lacks if name not in edition.lacks]
    more = f" The new file also has: {', '.join(extra)}; --replace takes it." if extra else ""
    raise AlreadyImported(f"{known}; differences: none. Nothing changed.{more}")


def difference_of(group: GroupReport) -> str:
    """In words, with names: "2 codes changed (E0210, E0776: types of service)"."""
    columns = ", ".join([*(text for text, count in group.reworded.items() if count), *group.by_column])
    found = []
    for key, what in {"added": "added", "changed": "changed", "no_longer_listed": "no longer listed"}.items():
        if names := group.names.get(key):
            where = f": {columns}" if key == "changed" else ""
            found.append(f"{getattr(group, key):,} {group.name} {what} ({shorten(names, keep=5)}{where})")
    return ", ".join(found)


def make_current(edition: Edition) -> None:
    """Flips the current edition; everything else follows from it."""
    Edition.objects.branch(edition.source, edition.variant).current().exclude(pk=edition.pk).update(is_current=False)
    edition.is_current, edition.published_at = True, timezone.now()
    edition.save(update_fields=["is_current", "published_at"])


@transaction.atomic
def publish_release(*, source: Source, label: str, variant: str = "") -> Edition:
    """Makes a stored edition the current one, newer or older than today's; running it for the other one undoes it."""
    with connection.cursor() as cursor:
        lock(cursor, source)
        branch = Edition.objects.branch(source, variant).select_related("source")
        edition = branch.filter(label=label).first()
        if edition is None:
            stored = ", ".join(branch.in_order().values_list("label", flat=True)) or "none"
            raise ReleaseError(f"{source.slug} has no edition {label!r}. Stored: {stored}.")
        if edition.is_current:
            raise AlreadyImported(f"{edition} is the current edition already. Nothing changed.")
        make_current(edition)
        importer_for(source).refresh(cursor, current_id=edition.pk)
    return edition
