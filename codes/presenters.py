"""Rows → what a template needs. What a reader may not see is cut here: a locked section carries no text."""

import datetime
from dataclasses import dataclass, field

from quotas.admissions import Admission


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go: a breadcrumb, a neighbour in the book, a successor."""

    label: str  # "38571", "Lymph nodes and lymphatic channels"
    url: str
    title: str = ""  # the plain title of a code, if it has one
    is_current: bool = False  # the page that shows the link


@dataclass(frozen=True, slots=True)
class Badge:
    """A word beside the code: its status, add-on, new, edition."""

    label: str
    kind: str  # "neutral", "good", "warning", "danger", "info"; never the only carrier of the meaning


@dataclass(frozen=True, slots=True)
class SectionView:
    """One of the seven sections, as this reader may see it."""

    kind: str  # "indications"
    number: int  # 1 … 7
    title: str
    teaser: str  # one line on what is inside, the same for every code
    is_locked: bool
    unlock_url: str = ""  # where a guest registers, coming back to this section
    html: str = ""  # sanitised; always empty when locked
    is_empty: bool = False  # nothing published yet; the template says so in words
    awaits_facts: bool = False  # its CMS facts are not loaded yet; the template says so in words
    updated_on: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class DescriptorView:
    """The official text, and whose it is."""

    text: str
    kind: str  # "official", "override" (editor's wording), "sample" (ours, not official), "missing"
    notice: str = ""  # copyright line that belongs to the text; print-outs keep it
    edition: str = ""  # "HCPCS Level II 2019"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where something on the page comes from."""

    name: str
    edition: str
    imported_on: datetime.date | None
    locator: str = ""  # "HCPC2019_CONTR_ANWEB.txt, line 812"
    url: str = ""


@dataclass(frozen=True, slots=True)
class CodePage:
    """Everything the template of a code page reads."""

    code: str
    system_slug: str
    system_name: str
    title: str
    url: str
    canonical_url: str  # absolute
    breadcrumb: list[Link]
    badges: list[Badge]
    status_note: str  # "Terminated on 31 December 2018. …"; empty for a code in force
    successors: list[Link]
    previous: Link | None
    next: Link | None
    family: list[Link]
    descriptor: DescriptorView
    description_html: str
    description_updated_on: datetime.date | None
    reviewed_by: str
    reviewed_on: datetime.date | None
    is_sample: bool
    sections: list[SectionView]
    sources: list[SourceLine]
    trademark_notice: str
    as_of: datetime.date | None  # set when ?on= was given
    admission: Admission
    login_url: str
    signup_url: str
    structured_data: dict[str, object] = field(default_factory=dict)
