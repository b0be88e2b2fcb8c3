"""Editions of data sources: which release of which publisher the facts on a page came from."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Prefetch, Q, UniqueConstraint
from django.urls import reverse


class SourceQuerySet(models.QuerySet["Source"]):
    def for_board(self) -> "SourceQuerySet":
        """Each source, whose `editions.all()` are its current ones, in two queries."""
        current = Edition.objects.current().order_by("variant")
        return self.prefetch_related(Prefetch("editions", queryset=current))


class Source(models.Model):
    """A publisher's file series, such as HCPCS Level II. Its importer is named in settings.RELEASE_SOURCES."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    publisher = models.CharField(max_length=120)
    cadence = models.CharField(max_length=120, blank=True, help_text="How often the publisher releases it.")
    cadence_months = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Months between two editions; the freshness board tells when one is due."
    )
    url = models.URLField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class EditionQuerySet(models.QuerySet["Edition"]):
    def current(self) -> "EditionQuerySet":
        return self.filter(is_current=True)

    def in_order(self) -> "EditionQuerySet":
        """Oldest first; a sample comes before every whole edition."""
        return self.order_by("-is_sample", "effective_on", "id")

    def branch(self, source: Source, variant: str) -> "EditionQuerySet":
        """The editions of one variant of a source, which follow each other."""
        return self.filter(source=source, variant=variant)

    def whole(self) -> "EditionQuerySet":
        return self.filter(is_sample=False)

    def for_report(self) -> "EditionQuerySet":
        return self.select_related("source").prefetch_related("files")

    def for_links(self) -> "EditionQuerySet":
        """Newest first, without the reports, which can be long."""
        return self.in_order().reverse().defer("report")


class Edition(models.Model):
    """One dated release of one variant of a source; may consist of several files."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="editions")
    variant = models.SlugField(
        blank=True, help_text="A branch of the source, such as practitioner; empty if it has one."
    )
    label = models.SlugField(max_length=24, help_text="Its date as the publisher counts: 2019, 2026Q1, 2026-04.")
    effective_on = models.DateField()
    is_sample = models.BooleanField(
        default=False,
        help_text="A few rows for development. Any whole edition takes its place; nothing is compared with it.",
    )
    lacks = ArrayField(
        models.CharField(max_length=40), default=list, blank=True,
        help_text="Columns and groups of rows that its files do not have: unknown, not blank.",
    )  # fmt: skip
    sha256 = models.CharField(max_length=64, help_text="Of all its files together; of one file, the file's own.")
    row_count = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)
    is_current = models.BooleanField(default=False)
    imported_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last made current; null if it never was."
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["source", "variant", "-effective_on"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["source", "variant", "label"], name="edition_once_per_label"),
            UniqueConstraint(fields=["source", "variant"], condition=Q(is_current=True), name="edition_one_current"),
            CheckConstraint(
                condition=Q(is_current=False) | Q(published_at__isnull=False), name="edition_current_was_published"
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.source.name, self.variant, self.label]))

    def get_absolute_url(self) -> str:
        return self.address_in(self.source)

    def address_in(self, source: Source) -> str:
        """Its address, for callers that have the source at hand."""
        if self.variant:
            return reverse("releases:variant_edition", args=[source.slug, self.variant, self.label])
        return reverse("releases:edition", args=[source.slug, self.label])

    def is_older_than(self, other: "Edition") -> bool:
        """Whether the other edition replaces this one; of two with the same date, the later import does."""
        return (not self.is_sample, self.effective_on) < (not other.is_sample, other.effective_on)


class EditionFile(models.Model):
    """One file of an edition, as it was fetched."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(
        max_length=255, help_text="A member of an archive is named with it: archive.zip/member.txt."
    )
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    fetched_from = models.CharField(max_length=1000, blank=True, help_text="The address it was downloaded from.")

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name
