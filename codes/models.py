"""Codes and what is said about them.

One writer per column: `Code`, `Descriptor` and `HcpcsRecord` are written by imports, `Entry`, `Section` and
`DescriptorOverride` by editors, so no import can erase an edit.
"""

import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, FilteredRelation, Index, Q, Subquery, UniqueConstraint
from django.db.models.functions import Upper
from django.urls import reverse
from simple_history.models import HistoricalRecords

from releases.models import Edition, Source


class CodeSystem(models.Model):
    """A set of codes with one publisher: CPT, HCPCS Level II, its modifiers, ICD-10-CM."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    title = models.CharField(max_length=120, help_text="What the name stands for.")
    publisher = models.CharField(max_length=120)
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT)
    is_licensed = models.BooleanField(
        default=False, help_text="Descriptors are shown only where LICENSED_CODE_SYSTEMS names this system."
    )
    copyright_notice = models.CharField(max_length=300, blank=True, help_text="{year} becomes the edition's year.")
    trademark_notice = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("codes:system", args=[self.slug])


class Heading(models.Model):
    """A node of a system's table of contents; a leaf is a range of codes."""

    system = models.ForeignKey(CodeSystem, on_delete=models.PROTECT, related_name="headings")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=160)
    first_code = models.CharField(max_length=8)
    last_code = models.CharField(max_length=8)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["system", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["system", "slug"], name="heading_slug_once_per_system"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("codes:heading", args=[self.system.slug, self.slug])

    @property
    def trail(self) -> list["Heading"]:
        """From the top of the tree down to this heading."""
        return [*(self.parent.trail if self.parent else []), self]


class CodeQuerySet(models.QuerySet["Code"]):
    def valid_on(self, day: datetime.date) -> "CodeQuerySet":
        """Codes in force on a day; a code whose dates no imported file gave counts as in force."""
        return self.exclude(added_on__gt=day).exclude(terminated_on__lt=day)

    def for_page(self) -> "CodeQuerySet":
        """A code with all that the open part of its page shows, in one query; locked sections are never joined."""
        return (
            self.select_related(
                "system", "heading__parent__parent", "descriptor__edition__source", "override", "entry", "delisted_in"
            )
            .annotate(
                open_section=FilteredRelation(
                    "sections",
                    condition=Q(sections__kind=Section.Kind.DESCRIPTION, sections__status=Section.Status.PUBLISHED),
                ),
                description_html=F("open_section__html"),
                description_updated_at=F("open_section__updated_at"),
                revision=Subquery(Revision.objects.values("token")[:1]),
            )
        )


class Code(models.Model):
    """One code of one system, for ever: terminated codes keep their page."""

    system = models.ForeignKey(CodeSystem, on_delete=models.PROTECT, related_name="codes")
    code = models.CharField(max_length=8, db_collation="C", help_text="In its canonical spelling: 38570, G0105, C77.2.")
    heading = models.ForeignKey(Heading, null=True, blank=True, on_delete=models.PROTECT, related_name="codes")
    position = models.CharField(
        max_length=12,
        db_collation="C",
        help_text="Place in the book, sorted as text: the code itself unless it was resequenced.",
    )
    is_resequenced = models.BooleanField(default=False)
    is_addon = models.BooleanField("add-on", default=False)
    added_on = models.DateField(null=True, blank=True)
    changed_on = models.DateField(null=True, blank=True, help_text="Effective date of the last change.")
    terminated_on = models.DateField(null=True, blank=True, help_text="Last day on which the code is in force.")
    successors = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    descriptor = models.ForeignKey("Descriptor", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    delisted_in = models.ForeignKey(
        Edition, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="The first edition that no longer lists the code.",
    )  # fmt: skip

    objects = CodeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["system", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["system", "code"], name="code_once_per_system"),
            models.CheckConstraint(condition=Q(code=Upper("code")), name="code_is_upper_case"),
        ]
        indexes: ClassVar[list[Index]] = [
            Index(fields=["system", "position"], name="code_book_order"),
            Index(fields=["heading", "position"], name="code_heading_order"),
            Index(fields=["code"], name="code_prefix"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("codes:code", args=[self.system.slug, self.code])

    @property
    def item(self) -> str:
        """What the meter counts: "cpt:38570"."""
        return f"{self.system.slug}:{self.code}"


class Descriptor(models.Model):
    """The official text of a code in one edition."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="descriptors")
    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="descriptors")
    long = models.TextField()
    medium = models.TextField(blank=True)
    short = models.TextField(blank=True)
    line = models.PositiveIntegerField(help_text="Line or row of the edition's file, counted from 1.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["code", "edition"], name="descriptor_once_per_edition"),
        ]

    def __str__(self) -> str:
        return self.long


class HcpcsRecord(models.Model):
    """The columns of CMS's HCPCS file beside the text, as one edition has them. Null: that file form has no such column."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="hcpcs_records")
    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="hcpcs_records")
    pricing_indicators = ArrayField(models.CharField(max_length=2), null=True)
    multiple_pricing = models.CharField(max_length=1, null=True)  # noqa: DJ001 - null is "unknown", "" is "blank"
    cim_references = ArrayField(models.CharField(max_length=6), null=True)
    mcm_references = ArrayField(models.CharField(max_length=8), null=True)
    statute = models.CharField(max_length=10, null=True)  # noqa: DJ001
    lab_certifications = ArrayField(models.CharField(max_length=3), null=True)
    cross_references = ArrayField(models.CharField(max_length=5), null=True)
    coverage = models.CharField(max_length=1, null=True)  # noqa: DJ001
    asc_group = models.CharField(max_length=2, null=True)  # noqa: DJ001
    asc_effective_on = models.DateField(null=True)
    opps_indicator = models.CharField(max_length=3, null=True)  # noqa: DJ001
    processing_note = models.CharField(max_length=4, null=True)  # noqa: DJ001
    betos = models.CharField(max_length=3, null=True)  # noqa: DJ001
    types_of_service = ArrayField(models.CharField(max_length=1), null=True)
    anesthesia_base_units = models.PositiveSmallIntegerField(null=True)
    added_on = models.DateField(null=True)
    changed_on = models.DateField(null=True)
    terminated_on = models.DateField(null=True)
    action = models.CharField(max_length=1, null=True)  # noqa: DJ001

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["code", "edition"], name="hcpcs_record_once_per_edition"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in {self.edition}"


class Entry(models.Model):
    """What editors say about a code as a whole."""

    code = models.OneToOneField(Code, on_delete=models.CASCADE, related_name="entry")
    title = models.CharField("plain title", max_length=160)
    sample_descriptor = models.TextField(
        blank=True, help_text="Our own line, shown as sample wording where no official text is loaded."
    )
    is_sample = models.BooleanField("sample content", default=False, help_text="Not reviewed by a certified coder.")
    reviewed_by = models.CharField(max_length=120, blank=True)
    reviewed_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "entries"
        indexes: ClassVar[list[Index]] = [
            GinIndex(OpClass(Upper("title"), "gin_trgm_ops"), name="entry_title_trigrams"),
        ]

    def __str__(self) -> str:
        return self.title


class Section(models.Model):
    """One editorial part of a code page: the open description, or one of the seven locked sections."""

    class Kind(models.TextChoices):
        DESCRIPTION = "description", "Common Language Description"
        INDICATIONS = "indications", "Clinical indications"
        PROCEDURE = "procedure", "Procedure and aftercare"
        GUIDELINES = "guidelines", "Coding guidelines and compliance"
        MODIFIERS = "modifiers", "Modifiers"
        CROSSWALKS = "crosswalks", "Crosswalks"
        NCCI = "ncci", "NCCI edits"
        PAYMENT = "payment", "Medicare payment and coverage"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="sections")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    text = models.TextField("Markdown", blank=True)
    html = models.TextField(blank=True, editable=False, help_text="Rendered and sanitised from the text when saved.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    history = HistoricalRecords(excluded_fields=["html"])

    class Meta:
        ordering: ClassVar[list[str]] = ["code", "kind"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["code", "kind"], name="section_once_per_code"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.code}"


LOCKED_KINDS = [kind for kind in Section.Kind if kind != Section.Kind.DESCRIPTION]


class DescriptorOverride(models.Model):
    """An editor's wording that is shown instead of an imported descriptor, and says so."""

    code = models.OneToOneField(Code, on_delete=models.CASCADE, related_name="override")
    text = models.TextField()
    reason = models.TextField()
    original = models.TextField(editable=False, help_text="The imported text when this wording was written.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"Editor's wording of {self.code}"


class ErrorReport(models.Model):
    """What a reader says is wrong on a page."""

    path = models.CharField(max_length=300)
    code = models.ForeignKey(Code, null=True, blank=True, on_delete=models.SET_NULL)
    message = models.TextField(max_length=4000)
    email = models.EmailField(blank=True)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.path}: {self.message[:60]}"


class Revision(models.Model):
    """A single row whose token changes with every change of the tables above; a trigger keeps it (ADR on kept pages).

    A rendered page may be kept as long as the token stays the same.
    """

    token = models.UUIDField()

    def __str__(self) -> str:
        return str(self.token)
