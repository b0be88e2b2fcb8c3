"""Codes and what is said about them.

One writer per column: `Code`, `Descriptor` and `HcpcsRecord` are written by imports, `Entry`, `Section` and
`DescriptorOverride` by editors, so no import can erase an edit.
"""

import datetime
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, models
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Index,
    OuterRef,
    Q,
    Subquery,
    UniqueConstraint,
    Value,
    When,
)
from django.db.models.functions import Coalesce, JSONObject, Upper
from django.urls import reverse
from simple_history.models import HistoricalRecords

from releases.models import Edition, EditionFile, Source


class CodeSystemQuerySet(models.QuerySet["CodeSystem"]):
    def with_code_counts(self, *, day: datetime.date) -> "CodeSystemQuerySet":
        """Adds `code_count`: the codes in force on the day."""
        counts = Code.objects.valid_on(day).filter(system=OuterRef("pk")).order_by().values("system")
        return self.annotate(code_count=Coalesce(Subquery(counts.annotate(n=Count("pk")).values("n")), Value(0)))


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

    objects = CodeSystemQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("codes:system", args=[self.slug])


class HeadingQuerySet(models.QuerySet["Heading"]):
    def for_browse(self, system: CodeSystem, *, day: datetime.date, all_codes: bool) -> "HeadingQuerySet":
        """A system's headings in book order with `code_count`, the codes directly under each."""
        counted = Code.objects.all() if all_codes else Code.objects.valid_on(day)
        counts = counted.filter(heading=OuterRef("pk")).order_by().values("heading").annotate(n=Count("pk")).values("n")
        return (
            self.filter(system=system)  # type: ignore[no-redef]  # Code declares the columns for those who read them
            .select_related("system")
            .annotate(code_count=Coalesce(Subquery(counts), Value(0)))
            .order_by("position")
        )


class Heading(models.Model):
    """A node of a system's table of contents; a leaf is a range of codes."""

    system = models.ForeignKey(CodeSystem, on_delete=models.PROTECT, related_name="headings")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=160)
    first_code = models.CharField(max_length=8)
    last_code = models.CharField(max_length=8)
    position = models.PositiveIntegerField(default=0)

    objects = HeadingQuerySet.as_manager()
    code_count: int  # added by for_browse

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


def code_url(system: str, code: str) -> str:
    """The canonical address of a code, whether or not it is loaded."""
    return reverse("codes:code", args=[system, code])


@dataclass(frozen=True, slots=True)
class FoundCode:
    """As much of a code as the meter needs: found in one narrow query, before anything is loaded to be shown."""

    pk: int
    system: str
    code: str
    costs_view: bool  # True for a page with a published common-language description
    revision: uuid.UUID | None
    as_of: datetime.date | None = None  # the date of service that was asked for

    @property
    def item(self) -> str:
        """What the meter counts: "cpt:38570"."""
        return f"{self.system}:{self.code}"

    def get_absolute_url(self) -> str:
        return code_url(self.system, self.code)


FIND = """
    SELECT code.id,
        EXISTS (SELECT FROM codes_section WHERE code_id = code.id AND kind = 'description' AND status = 'published'),
        (SELECT token FROM codes_revision LIMIT 1)
    FROM codes_code code JOIN codes_codesystem system ON system.id = code.system_id
    WHERE system.slug = %s AND code.code = %s
"""


class CodeQuerySet(models.QuerySet["Code"]):
    def find(self, *, system: str, code: str) -> FoundCode | None:
        """The code of one address, or None. In SQL: every page begins with it, and building it in the ORM cost more."""
        with connection.cursor() as cursor:
            cursor.execute(FIND, [system, code])
            row = cursor.fetchone()
        return FoundCode(pk=row[0], system=system, code=code, costs_view=row[1], revision=row[2]) if row else None

    def valid_on(self, day: datetime.date) -> "CodeQuerySet":
        """Codes in force on a day; a code whose dates no imported file gave counts as in force."""
        return self.exclude(added_on__gt=day).exclude(terminated_on__lt=day)

    def with_titles(self) -> "CodeQuerySet":
        """Adds `title`: our plain title, else the official text where it may be shown, else nothing."""
        return self.annotate(  # type: ignore[no-redef]  # likewise
            title=Case(
                When(entry__title__isnull=False, then=F("entry__title")),
                When(may_show_text("system__"), then=F("descriptor__long")),
                default=Value(""),
                output_field=models.TextField(),
            )
        )

    def with_content(self) -> "CodeQuerySet":
        """Codes that editors have said something about, in book order."""
        said = Exists(Entry.objects.filter(code=OuterRef("pk"))) | Exists(Section.objects.filter(code=OuterRef("pk")))
        return self.filter(said).order_by("system__position", "position")

    def for_list(self) -> "CodeQuerySet":
        """Codes as rows of a list, in book order."""
        return self.with_titles().select_related("system", "delisted_in").order_by("system__position", "position")

    def for_wall(self) -> "CodeQuerySet":
        """A code with its plain title (never the official text) and the headings above it."""
        return self.annotate(title=Coalesce("entry__title", Value(""))).select_related(  # type: ignore[no-redef]
            "system", "heading__parent__parent__parent"
        )

    def for_page(self, *, day: datetime.date) -> "CodeQuerySet":
        """A code with all that the open part of its page shows, in one query; locked sections are never joined.

        `before` and `after` are its neighbours in the book that are in force on the day, nearest first; `texts` are
        its official texts edition by edition, the current one last.
        """
        neighbours = Code.objects.valid_on(day).with_titles().filter(system=OuterRef("system_id"))
        neighbour = JSONObject(code="code", title="title", heading="heading_id")
        file = EditionFile.objects.filter(edition=OuterRef("edition")).order_by("name").values("name")[:1]
        text = JSONObject(
            source="edition__source__name",
            source_url="edition__source__url",
            edition="edition__label",
            effective_on="edition__effective_on",
            imported_at="edition__imported_at",
            file=Subquery(file),
            line="line",
            long="long",
        )
        return (
            self.with_titles()  # type: ignore[no-redef]  # Code declares the columns for those who read them
            .select_related(
                "system",
                "heading__parent__parent__parent",
                "heading__system",
                "descriptor__edition__source",
                "override",
                "entry",
                "delisted_in",
            )
            .annotate(
                open_section=FilteredRelation(
                    "sections",
                    condition=Q(sections__kind=Section.Kind.DESCRIPTION, sections__status=Section.Status.PUBLISHED),
                ),
                description_html=F("open_section__html"),
                description_updated_at=F("open_section__updated_at"),
                before=ArraySubquery(
                    neighbours.filter(position__lt=OuterRef("position"))
                    .order_by("-position")
                    .values(found=neighbour)[:8]
                ),
                after=ArraySubquery(
                    neighbours.filter(position__gt=OuterRef("position"))
                    .order_by("position")
                    .values(found=neighbour)[:8]
                ),
                texts=ArraySubquery(Descriptor.objects.known_of(OuterRef("pk")).values(found=text)),
            )
        )

    def for_sitemap(self) -> "CodeQuerySet":
        """Codes with `description_updated_at`, cheap to list by the ten thousand."""
        updated = Section.objects.open().filter(code=OuterRef("pk")).values("updated_at")
        return (
            self.select_related("system")  # type: ignore[no-redef]  # Code declares the columns for those who read them
            .only("code", "system__slug")
            .annotate(description_updated_at=Subquery(updated))
            .order_by("pk")
        )

    def for_items(self, items: Iterable[str]) -> "CodeQuerySet":
        """The codes of the meter's items ("cpt:38570") that exist."""
        wanted = Q(pk__in=[])
        for system, _, code in (item.partition(":") for item in items):
            wanted |= Q(system__slug=system, code=code)
        return self.filter(wanted)

    def near(self, *, system: str, code: str) -> "CodeQuerySet":
        """Up to eight codes whose spelling is close to one that does not exist."""
        starts = Q(code__startswith=code[:4]) | Q(code__startswith=code[:3])
        return (
            self.filter(Q(system__slug=system) & starts | Q(code=code))
            .for_list()
            .annotate(closeness=TrigramSimilarity("code", code))
            .order_by("-closeness", "position")[:8]
        )

    def url_of(self, words: str) -> str | None:
        """The address of the code that somebody typed in full: any case, with or without the dot of ICD-10-CM."""
        typed = typed_code(words)
        spellings = {typed, typed.replace("-", "."), f"{typed[:3]}.{typed[3:]}"}
        rows = self.filter(code__in=spellings).order_by("system__position").values_list("system__slug", "code")
        return next((code_url(system, code) for system, code in rows[:1]), None)

    def look_up(self, words: str) -> "CodeQuerySet":
        """Codes that start with the words or whose plain title or public official text contains them all."""
        prefix = Q(code__startswith=typed_code(words))
        titles = Entry.objects.containing(words).values("code")
        texts = Descriptor.objects.containing(words).filter(may_show_text("code__system__")).values("code")
        found = self.filter(prefix).order_by().values("pk")
        if len(words) >= 3:
            found = found.union(titles, texts)  # three searches by index; OR would read every code
        rank = Case(
            When(prefix, then=Value(0)), When(entry__in=Entry.objects.containing(words), then=Value(1)), default=2
        )
        return self.filter(pk__in=found).for_list().annotate(rank=rank).order_by("rank", "system__position", "position")


SYSTEM_NAME = re.compile(r"^(CPT|HCPCS|ICD-?10(-?CM)?)\b\W*(CODE\b\W*)?(?=\w)")


def typed_code(words: str) -> str:
    """What somebody meant as a code: "cpt® code 38570" and "g 0105" as 38570 and G0105."""
    return SYSTEM_NAME.sub("", words.upper()).replace(" ", "")


def may_show_text(prefix: str = "") -> Q:
    """Where the official text may be shown: public domain, or licensed to this site. The prefix leads to the system."""
    return Q(**{f"{prefix}is_licensed": False}) | Q(**{f"{prefix}slug__in": settings.LICENSED_CODE_SYSTEMS})


def containing_all(field: str, words: str) -> Q:
    """The field contains every one of the words, in any order and case."""
    return reduce(and_, (Q(**{f"{field}__icontains": word}) for word in words.split()), Q())


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
    successors = ArrayField(
        models.CharField(max_length=8), null=True, blank=True,
        help_text="Empty: the publisher names none. Null: no file that was read says.",
    )  # fmt: skip
    descriptor = models.ForeignKey("Descriptor", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    delisted_in = models.ForeignKey(
        Edition, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="The first edition that no longer lists the code.",
    )  # fmt: skip

    objects = CodeQuerySet.as_manager()

    # Columns that the querysets above add.
    title: str
    description_html: str | None
    description_updated_at: datetime.datetime | None
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    texts: list[dict[str, Any]]

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
        return code_url(self.system.slug, self.code)

    @property
    def item(self) -> str:
        """What the meter counts: "cpt:38570"."""
        return f"{self.system.slug}:{self.code}"


# An edition that was published by mistake and taken back is newer than the current text; a sample is shown only where
# no whole edition has the code.
NOT_AFTER_THE_CURRENT_TEXT = Q(
    edition__is_sample=F("code__descriptor__edition__is_sample"),
    edition__effective_on__lte=F("code__descriptor__edition__effective_on"),
)


class DescriptorQuerySet(models.QuerySet["Descriptor"]):
    def known_of(self, code: OuterRef) -> "DescriptorQuerySet":
        """The texts of a code up to the current one, oldest first."""
        return self.filter(NOT_AFTER_THE_CURRENT_TEXT, code=code).order_by("edition__effective_on", "edition")

    def containing(self, words: str) -> "DescriptorQuerySet":
        """Texts that are shown today and contain all the words."""
        return self.filter(containing_all("long", words), code__descriptor=F("pk"))


class Descriptor(models.Model):
    """The official text of a code in one edition."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="descriptors")
    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="descriptors")
    long = models.TextField()
    medium = models.TextField(blank=True)
    short = models.TextField(blank=True)
    line = models.PositiveIntegerField(help_text="Line or row of the edition's file, counted from 1.")

    objects = DescriptorQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[Index]] = [
            GinIndex(OpClass(Upper("long"), "gin_trgm_ops"), name="descriptor_long_trigrams"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["code", "edition"], name="descriptor_once_per_edition"),
        ]

    def __str__(self) -> str:
        return self.long


class HcpcsRecordQuerySet(models.QuerySet["HcpcsRecord"]):
    def in_force(self, day: datetime.date) -> "HcpcsRecord | None":
        """The record of the edition in force on the day; of the oldest edition known for a day before all of them."""
        known = self.filter(NOT_AFTER_THE_CURRENT_TEXT).select_related("edition__source")
        known = known.order_by("edition__effective_on", "edition")
        return known.filter(edition__effective_on__lte=day).last() or known.first()


class HcpcsRecord(models.Model):
    """The columns of CMS's HCPCS file beside the text, as one edition has them. Null: not in that file."""

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
    opps_group = models.CharField(max_length=3, null=True)  # noqa: DJ001
    opps_indicator = models.CharField(max_length=3, null=True)  # noqa: DJ001
    opps_effective_on = models.DateField(null=True)
    processing_note = models.CharField(max_length=4, null=True)  # noqa: DJ001
    betos = models.CharField(max_length=3, null=True)  # noqa: DJ001
    types_of_service = ArrayField(models.CharField(max_length=1), null=True)
    anesthesia_base_units = models.PositiveSmallIntegerField(null=True)
    added_on = models.DateField(null=True)
    changed_on = models.DateField(null=True)
    terminated_on = models.DateField(null=True)
    action = models.CharField(max_length=1, null=True)  # noqa: DJ001

    objects = HcpcsRecordQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["code", "edition"], name="hcpcs_record_once_per_edition"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in {self.edition}"


class EntryQuerySet(models.QuerySet["Entry"]):
    def containing(self, words: str) -> "EntryQuerySet":
        """Entries whose plain title contains all the words."""
        return self.filter(containing_all("title", words))


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
    imported_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of what its content file said when the two last agreed."
    )

    objects = EntryQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["imported_digest"])

    class Meta:
        verbose_name_plural = "entries"
        indexes: ClassVar[list[Index]] = [
            GinIndex(OpClass(Upper("title"), "gin_trgm_ops"), name="entry_title_trigrams"),
        ]

    def __str__(self) -> str:
        return self.title


class SectionQuerySet(models.QuerySet["Section"]):
    def open(self) -> "SectionQuerySet":
        """Published common-language descriptions: the part of a page that an admitted guest reads."""
        return self.filter(kind=Section.Kind.DESCRIPTION, status=Section.Status.PUBLISHED)

    def locked(self) -> "SectionQuerySet":
        """Published text of the seven locked sections; only ever read for registered readers."""
        return self.filter(status=Section.Status.PUBLISHED).exclude(kind=Section.Kind.DESCRIPTION)


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
    imported_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of what its content file said when the two last agreed."
    )

    objects = SectionQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["html", "imported_digest"])

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
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

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

    @classmethod
    def current(cls) -> uuid.UUID | None:
        return cls.objects.values_list("token", flat=True).first()
