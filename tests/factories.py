"""One factory a model. Defaults are valid, and nothing that a test reads is random: name what your test is about."""

import datetime
from typing import Any

import factory
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from accounts.models import User
from codes.markdown import render
from codes.models import (
    LOCKED_KINDS,
    Code,
    CodeSystem,
    Descriptor,
    DescriptorOverride,
    Entry,
    ErrorReport,
    HcpcsRecord,
    Heading,
    Section,
)
from releases.models import Edition, EditionFile, Source

PASSWORD = "a long enough password"


class UserFactory(DjangoModelFactory[User]):
    """A registered reader."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"reader{n}@example.com")
    password = factory.django.Password(PASSWORD)


class EditorFactory(UserFactory):
    """Staff with the rights of the Editors group, and no others."""

    email = factory.Sequence(lambda n: f"editor{n}@example.com")
    is_staff = True

    @factory.post_generation
    def in_group(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        self.groups.add(Group.objects.get(name="Editors"))


class SuperuserFactory(UserFactory):
    email = factory.Sequence(lambda n: f"operator{n}@example.com")
    is_staff = True
    is_superuser = True


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source
        django_get_or_create = ("slug",)

    slug = "hcpcs"
    name = "HCPCS Level II"
    publisher = "Centers for Medicare & Medicaid Services"


class EditionFactory(DjangoModelFactory[Edition]):
    """The published, current edition of a year."""

    class Meta:
        model = Edition
        django_get_or_create = ("source", "variant", "label")

    source = factory.SubFactory(SourceFactory)
    variant = ""
    label = "2019"
    effective_on = factory.LazyAttribute(lambda o: datetime.date(int(o.label[:4]), 1, 1))
    sha256 = factory.LazyAttribute(lambda o: f"{o.source.slug}{o.variant}{o.label}".ljust(64, "0"))
    row_count = 1
    is_current = True
    published_at = factory.LazyAttribute(
        lambda o: datetime.datetime.combine(o.effective_on, datetime.time(), datetime.UTC)
    )


class EditionFileFactory(DjangoModelFactory[EditionFile]):
    class Meta:
        model = EditionFile

    edition = factory.SubFactory(EditionFactory)
    name = factory.LazyAttribute(lambda o: f"HCPC{o.edition.label}_CONTR_ANWEB.txt")
    sha256 = factory.LazyAttribute(lambda o: o.edition.sha256)
    size = 1


class CodeSystemFactory(DjangoModelFactory[CodeSystem]):
    class Meta:
        model = CodeSystem
        django_get_or_create = ("slug",)

    slug = "cpt"
    name = "CPT®"
    title = "Current Procedural Terminology"
    publisher = "American Medical Association"


class HeadingFactory(DjangoModelFactory[Heading]):
    class Meta:
        model = Heading
        django_get_or_create = ("system", "slug")

    system = factory.SubFactory(CodeSystemFactory)
    slug = factory.Sequence(lambda n: f"heading-{n}")
    name = factory.LazyAttribute(lambda o: o.slug.replace("-", " ").capitalize())
    first_code = "00000"
    last_code = "99999"
    position = factory.Sequence(lambda n: n)


class CodeFactory(DjangoModelFactory[Code]):
    """A code that nothing is said about. `described=True` adds an entry and a published description, `sections=n` the
    first n locked sections (at most the seven that there are)."""

    class Meta:
        model = Code
        skip_postgeneration_save = True

    system = factory.SubFactory(CodeSystemFactory)
    code = factory.Sequence(lambda n: f"{20000 + n}")
    position = factory.SelfAttribute("code")

    @factory.post_generation
    def described(self: Any, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        if extracted:
            EntryFactory(code=self)
            SectionFactory(code=self, kind=Section.Kind.DESCRIPTION)

    @factory.post_generation
    def sections(self: Any, create: bool, extracted: int | None, **kwargs: Any) -> None:
        for kind in LOCKED_KINDS[: extracted or 0]:
            SectionFactory(code=self, kind=kind)


class EntryFactory(DjangoModelFactory[Entry]):
    class Meta:
        model = Entry

    code = factory.SubFactory(CodeFactory)
    title = factory.LazyAttribute(lambda o: f"Plain title of {o.code.code}")
    sample_descriptor = factory.LazyAttribute(lambda o: f"Sample wording of {o.code.code}")


class SectionFactory(DjangoModelFactory[Section]):
    """A published section, rendered."""

    class Meta:
        model = Section

    code = factory.SubFactory(CodeFactory)
    kind = Section.Kind.DESCRIPTION
    text = factory.LazyAttribute(lambda o: f"The {Section.Kind(o.kind).label} of {o.code.code}.")
    html = factory.LazyAttribute(lambda o: render(o.text))
    status = Section.Status.PUBLISHED


class DescriptorFactory(DjangoModelFactory[Descriptor]):
    """An imported text; it becomes the code's current one."""

    class Meta:
        model = Descriptor
        skip_postgeneration_save = True

    edition = factory.SubFactory(EditionFactory)
    code = factory.SubFactory(CodeFactory, system__slug="hcpcs")
    long = factory.LazyAttribute(lambda o: f"Official text of {o.code.code}")
    short = factory.LazyAttribute(lambda o: f"Short text of {o.code.code}")
    line = 1

    @factory.post_generation
    def is_current(self: Any, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        if extracted is not False:
            self.code.descriptor = self
            self.code.save(update_fields=["descriptor"])


class HcpcsRecordFactory(DjangoModelFactory[HcpcsRecord]):
    class Meta:
        model = HcpcsRecord

    edition = factory.SubFactory(EditionFactory)
    code = factory.SubFactory(CodeFactory, system__slug="hcpcs")


class DescriptorOverrideFactory(DjangoModelFactory[DescriptorOverride]):
    class Meta:
        model = DescriptorOverride

    code = factory.SubFactory(CodeFactory, system__slug="hcpcs")
    text = factory.LazyAttribute(lambda o: f"Editor's wording of {o.code.code}")
    reason = "The imported text is cut off."
    original = factory.LazyAttribute(lambda o: f"Official text of {o.code.code}")


class ErrorReportFactory(DjangoModelFactory[ErrorReport]):
    class Meta:
        model = ErrorReport

    code = factory.SubFactory(CodeFactory)
    path = factory.LazyAttribute(lambda o: o.code.get_absolute_url())
    message = "The second sentence is wrong."
