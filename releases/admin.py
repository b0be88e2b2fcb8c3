"""Releases, to look at.

Every column is written by import_release and publish_release, so nothing can be edited here: an edit would silently be
overwritten by the next import, and the report would no longer tell what happened.
"""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from quotas.admin import ReadOnly
from releases.models import Edition, EditionFile, Source
from releases.reports import ImportReport


class EditionFileInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = EditionFile
    fields = ("name", "size", "sha256", "fetched_from")
    extra = 0


@admin.register(Source)
class SourceAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only: a source comes with the migration that brings its importer."""

    list_display = ("name", "slug", "publisher", "cadence", "licence")


@admin.register(Edition)
class EditionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only: an import writes the rows. manage.py publish_release makes another edition current."""

    list_display = ("__str__", "effective_on", "is_current", "is_sample", "row_count", "imported_at")
    list_filter = ("source", "is_current")
    list_select_related = ("source",)
    exclude = ("report",)
    readonly_fields = ("report_lines",)
    inlines = (EditionFileInline,)

    @admin.display(description="Report")
    def report_lines(self, edition: Edition) -> str | SafeString:
        """The report as import_release printed it."""
        report = ImportReport.from_json(edition.report)
        if report is None:
            return "No report: this edition was not written by an import."
        return format_html("<pre>{}</pre>", "\n".join(report.lines()))
