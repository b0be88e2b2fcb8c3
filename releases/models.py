"""Editions of data sources: which release of which publisher the facts on a page came from."""

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint


class Source(models.Model):
    """A publisher's file series, such as HCPCS Level II. Its importer is named in settings.RELEASE_SOURCES."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    publisher = models.CharField(max_length=120)
    cadence = models.CharField(max_length=120, blank=True, help_text="How often the publisher releases it.")
    url = models.URLField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class EditionQuerySet(models.QuerySet["Edition"]):
    def current(self) -> "EditionQuerySet":
        return self.filter(is_current=True)


class Edition(models.Model):
    """One dated release of one variant of a source; may consist of several files."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="editions")
    variant = models.SlugField(blank=True, help_text="A branch of the source, such as practitioner; empty if it has one.")
    label = models.CharField(max_length=20, help_text="As the publisher names it: 2019, 2026Q1, 2026-04.")
    effective_on = models.DateField()
    sha256 = models.CharField(max_length=64, help_text="Of all its files together.")
    row_count = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)
    is_current = models.BooleanField(default=False)
    imported_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)

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


class EditionFile(models.Model):
    """One file of an edition, as it was fetched."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    fetched_from = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name
