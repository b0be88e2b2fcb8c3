"""Rows → what a template needs. What a reader may not see is cut here: a locked section carries no text."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from codes import cms_labels
from codes.models import LOCKED_KINDS, Code, CodeSystem, HcpcsRecord, Heading, Section, code_url
from quotas.admissions import Admission

# One line on what is inside, the same for every code, so that it can never give the inside away.
TEASERS = {
    Section.Kind.INDICATIONS: "When the service is performed and the diagnoses that typically lead to it.",
    Section.Kind.PROCEDURE: "The service step by step, what is included in it, and what follows.",
    Section.Kind.GUIDELINES: "Reporting rules, a documentation checklist and the audit risks.",
    Section.Kind.MODIFIERS: "Which modifiers apply, when to use them, and the payment policy behind them.",
    Section.Kind.CROSSWALKS: "Related procedure codes and the diagnosis codes often considered.",
    Section.Kind.NCCI: "Code pairs that may not be reported together, and units per day.",
    Section.Kind.PAYMENT: "Payment status, global days, relative value units and coverage documents.",
}
# Sections whose figures come from CMS files that are imported apart from the text.
FACT_KINDS = {Section.Kind.MODIFIERS, Section.Kind.NCCI, Section.Kind.PAYMENT}


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
class Fact:
    """A figure or letter of a release, with its words."""

    label: str
    value: str


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
    facts: tuple[Fact, ...] = ()  # always empty when locked
    facts_from: str = ""  # "HCPCS Level II 2019"
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
class HistoryLine:
    """One event in the life of a code."""

    day: datetime.date
    text: str


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
    history: list[HistoryLine]
    trademark_notice: str
    as_of: datetime.date | None  # set when ?on= was given
    admission: Admission
    login_url: str
    signup_url: str
    report_url: str
    structured_data: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wall:
    """The page instead of a code page: no descriptor, no description, only what lies behind and how to go on."""

    code: str
    system_name: str
    title: str
    url: str  # the page that was asked for; sign-up and log-in come back to it
    breadcrumb: list[Link]
    section_titles: list[str]
    admission: Admission
    opened: list[Link]
    login_url: str
    signup_url: str
    trademark_notice: str


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code in a list."""

    label: str
    url: str
    title: str
    system_name: str
    badges: list[Badge]


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """A node of the table of contents in a list."""

    name: str
    url: str
    span: str  # "38570–38589"
    count: int  # codes directly in it
    children: list["HeadingRow"]


@dataclass(frozen=True, slots=True)
class Browse:
    """A page of the table of contents: a system, or a heading of it."""

    name: str
    lead: str
    breadcrumb: list[Link]
    canonical_url: str
    headings: list[HeadingRow]
    codes: list[CodeRow]
    page: Page[Any] | None
    trademark_notice: str


# --- The code page ----------------------------------------------------------------------------------------------


LockedPart = tuple[tuple[Section, ...], HcpcsRecord | None]  # the published sections, and CMS's record of the code
NOTHING_LOCKED: LockedPart = ((), None)


def present_code(
    code: Code, *, locked: LockedPart, admission: Admission, today: datetime.date, as_of: datetime.date | None
) -> CodePage:
    """The page of one code, cut for one reader.

    `code` comes from `CodeQuerySet.for_page`. `locked` is what lies behind the lock; it is ignored for a reader who may
    not see it, whatever is handed in.
    """
    day = as_of or today
    url = code.get_absolute_url()
    descriptor = present_descriptor(code, day=day)
    entry = getattr(code, "entry", None)
    trail = breadcrumb(code.system, code.heading, last=code.code, last_url=url)
    page_title = shorten(entry.title if entry else descriptor.text, 110)
    return CodePage(
        code=code.code,
        system_slug=code.system.slug,
        system_name=code.system.name,
        title=page_title,
        url=url,
        canonical_url=settings.SITE_URL + url,
        breadcrumb=trail,
        badges=badges(code, day=day, descriptor=descriptor),
        status_note=status_note(code, day=day),
        successors=successors(code, day=day),
        previous=neighbour(code, code.before),
        next=neighbour(code, code.after),
        family=family(code),
        descriptor=descriptor,
        description_html=code.description_html or "",
        description_updated_on=code.description_updated_at.date() if code.description_updated_at else None,
        reviewed_by=entry.reviewed_by if entry else "",
        reviewed_on=entry.reviewed_on if entry else None,
        is_sample=bool(entry and entry.is_sample),
        sections=present_sections(url, locked=locked, admission=admission),
        sources=source_lines(code, descriptor, day=day),
        history=history(code),
        trademark_notice=code.system.trademark_notice,
        as_of=as_of,
        admission=admission,
        login_url=with_next("account_login", url),
        signup_url=with_next("account_signup", url),
        report_url=f"{reverse('codes:report')}?{urlencode({'path': url})}",
        structured_data=structured_data(code, title=page_title, trail=trail),
    )


def present_descriptor(code: Code, *, day: datetime.date) -> DescriptorView:
    """The official text in force on the day where it may be shown, else our sample line, and says which."""
    system = code.system
    may_show = not system.is_licensed or system.slug in settings.LICENSED_CODE_SYSTEMS
    if may_show and (override := getattr(code, "override", None)):
        return DescriptorView(override.text, "override", *provenance(system, code.texts[-1] if code.texts else None))
    if may_show and (text := text_on(code, day)):
        return DescriptorView(text["long"], "official", *provenance(system, text))
    entry = getattr(code, "entry", None)
    if entry and entry.sample_descriptor:
        return DescriptorView(entry.sample_descriptor, "sample")
    return DescriptorView("", "missing")


def text_on(code: Code, day: datetime.date) -> dict[str, Any] | None:
    """The text of the edition in force on the day; of the oldest edition known for a day before all of them."""
    known = [text for text in code.texts if text["effective_on"] <= day.isoformat()] or code.texts[:1]
    return known[-1] if known else None


def provenance(system: CodeSystem, text: dict[str, Any] | None) -> tuple[str, str]:
    """The notice and the edition of an imported text; an editor's wording of it keeps both."""
    if text is None:
        return "", ""
    return system.copyright_notice.format(year=text["effective_on"][:4]), f"{text['source']} {text['edition']}"


def present_sections(url: str, *, locked: LockedPart, admission: Admission) -> list[SectionView]:
    """The seven sections in their order: whole for registered readers, a stub without any text for everyone else."""
    if not admission.unlocks_sections:
        return [
            SectionView(kind, number, kind.label, TEASERS[kind], True, with_next("account_signup", f"{url}#{kind}"))
            for number, kind in enumerate(LOCKED_KINDS, start=1)
        ]
    sections, record = locked
    written = {section.kind: section for section in sections}
    views = []
    for number, kind in enumerate(LOCKED_KINDS, start=1):
        section = written.get(kind)
        facts = hcpcs_facts(record) if record and kind == Section.Kind.PAYMENT else ()
        views.append(
            SectionView(
                kind=kind,
                number=number,
                title=kind.label,
                teaser=TEASERS[kind],
                is_locked=False,
                html=section.html if section else "",
                facts=facts,
                facts_from=str(record.edition) if record and facts else "",
                is_empty=not section and not facts,
                awaits_facts=kind in FACT_KINDS,
                updated_on=section.updated_at.date() if section else None,
            )
        )
    return views


def hcpcs_facts(record: HcpcsRecord) -> tuple[Fact, ...]:
    """What CMS's HCPCS file says of payment and coverage, each letter with its words."""

    def spelled(letters: Sequence[str] | None, words: dict[str, str]) -> str:
        return "; ".join(f"{letter} – {words[letter]}" if letter in words else letter for letter in letters or [])

    facts = [
        Fact("Coverage", spelled([record.coverage] if record.coverage else None, cms_labels.COVERAGE)),
        Fact("Pricing", spelled(record.pricing_indicators, cms_labels.PRICING)),
        Fact("Type of service", spelled(record.types_of_service, cms_labels.TYPE_OF_SERVICE)),
        Fact("BETOS category", record.betos or ""),
        Fact("Coverage Issues Manual", "; ".join(record.cim_references or [])),
        Fact("Medicare Carriers Manual", "; ".join(record.mcm_references or [])),
        Fact("Statute", record.statute or ""),
        Fact("Laboratory certification", "; ".join(record.lab_certifications or [])),
        Fact("Processing note", record.processing_note or ""),
    ]
    return tuple(fact for fact in facts if fact.value)


def badges(code: Code, *, day: datetime.date, descriptor: DescriptorView | None = None) -> list[Badge]:
    """The words beside a code: status first, then kind."""
    found = []
    if code.terminated_on and code.terminated_on < day:
        found.append(Badge("Terminated", "danger"))
    elif code.added_on and code.added_on > day:
        found.append(Badge("Not yet in force", "info"))
    elif code.delisted_in and code.delisted_in.effective_on <= day:
        found.append(Badge("No longer listed", "warning"))
    elif code.added_on and code.added_on.year == day.year:
        found.append(Badge(f"New in {day.year}", "good"))
    elif code.changed_on and code.changed_on.year == day.year and code.changed_on <= day:
        found.append(Badge(f"Revised in {day.year}", "good"))
    if code.is_addon:
        found.append(Badge("Add-on code", "info"))
    if code.is_resequenced:
        found.append(Badge("Resequenced", "neutral"))
    if descriptor and descriptor.edition:
        found.append(Badge(descriptor.edition, "neutral"))
    return found


def status_note(code: Code, *, day: datetime.date) -> str:
    """What a reader must know before using a code that is not simply in force."""
    if code.terminated_on and code.terminated_on < day:
        # Null is not "none": the file that was read has no such column.
        named = f" {code.system.publisher} names no successor." if code.successors == [] else ""
        return f"{code.code} was terminated: {spell(code.terminated_on)} was its last day in force.{named}"
    if code.added_on and code.added_on > day:
        return f"{code.code} is not in force on {spell(day)}. It takes effect on {spell(code.added_on)}."
    if code.delisted_in and code.delisted_in.effective_on <= day:
        return f"{code.code} is no longer listed since {code.delisted_in}. The publisher gave no termination date."
    if code.terminated_on:
        return f"{code.code} ends: {spell(code.terminated_on)} is its last day in force."
    return ""


def successors(code: Code, *, day: datetime.date) -> list[Link]:
    """The codes that the publisher names in its place; nobody needs them before the code itself is in force."""
    if code.added_on and code.added_on > day:
        return []
    return [link_to(code.system.slug, successor) for successor in code.successors or []]


def neighbour(code: Code, found: list[dict[str, Any]]) -> Link | None:
    return link_to(code.system.slug, found[0]["code"], title=found[0]["title"]) if found else None


def family(code: Code) -> list[Link]:
    """The codes around this one under the same heading, in book order, this one marked."""

    def same_heading(found: list[dict[str, Any]]) -> list[Link]:
        return [
            link_to(code.system.slug, other["code"], title=other["title"])
            for other in found
            if other["heading"] == code.heading_id
        ]

    if code.heading_id is None:
        return []
    here = Link(code.code, code.get_absolute_url(), code.title, is_current=True)
    relatives = [*reversed(same_heading(code.before)), here, *same_heading(code.after)]
    return relatives if len(relatives) > 1 else []


def source_lines(code: Code, descriptor: DescriptorView, *, day: datetime.date) -> list[SourceLine]:
    """Each text on the page and where it comes from; dates and status come from the newest row."""
    newest = code.texts[-1] if code.texts else None
    shown = {"official": [text_on(code, day), newest], "override": [newest]}.get(descriptor.kind, [])
    lines = list(dict.fromkeys(source_line(text) for text in shown if text))
    if entry := getattr(code, "entry", None):
        kind = "sample content, not reviewed by a certified coder" if entry.is_sample else "editorial content"
        lines.append(SourceLine(name=settings.SITE_NAME, edition=kind, imported_on=None))
    return lines


def source_line(text: dict[str, Any]) -> SourceLine:
    place = "line" if not text["file"] or text["file"].lower().endswith(".txt") else "row"
    return SourceLine(
        name=text["source"],
        edition=text["edition"],
        imported_on=datetime.datetime.fromisoformat(text["imported_at"]).astimezone(datetime.UTC).date(),
        locator=f"{text['file']}, {place} {text['line']}" if text["file"] else "",
        url=text["source_url"],
    )


def history(code: Code) -> list[HistoryLine]:
    """What the imported editions say of the code's life, newest first."""
    lines = []
    if code.added_on:
        lines.append(HistoryLine(code.added_on, "Added"))
    ended = code.terminated_on and code.terminated_on + datetime.timedelta(days=1)  # CMS dates the ending itself so
    if code.changed_on and code.changed_on not in {code.added_on, code.terminated_on, ended}:
        lines.append(HistoryLine(code.changed_on, "Last changed by its publisher"))
    if code.terminated_on:
        lines.append(HistoryLine(code.terminated_on, "Last day in force"))
    for older, newer in zip(code.texts, code.texts[1:], strict=False):
        if older["long"] != newer["long"]:
            day = datetime.date.fromisoformat(newer["effective_on"])
            lines.append(HistoryLine(day, f"Official text reworded in {newer['source']} {newer['edition']}"))
    return sorted(lines, key=lambda line: line.day, reverse=True)


def structured_data(code: Code, *, title: str, trail: list[Link]) -> dict[str, object]:
    """schema.org data for search engines. It marks what a spent reader does not get, and carries none of it."""
    page: dict[str, object] = {
        "@type": "WebPage",
        "name": " ".join(filter(None, [code.system.name, code.code, title])),
        "url": settings.SITE_URL + code.get_absolute_url(),
        "isPartOf": {"@type": "WebSite", "name": settings.SITE_NAME, "url": settings.SITE_URL},
        "isAccessibleForFree": not code.description_html,
    }
    if code.description_html:
        page["hasPart"] = {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": ".metered"}
    crumbs = [
        {"@type": "ListItem", "position": number, "name": link.label, "item": settings.SITE_URL + link.url}
        for number, link in enumerate(trail, start=1)
    ]
    return {
        "@context": "https://schema.org",
        "@graph": [page, {"@type": "BreadcrumbList", "itemListElement": crumbs}],
    }


# --- The wall ---------------------------------------------------------------------------------------------------


def present_wall(code: Code, *, admission: Admission) -> Wall:
    """What a spent reader sees; `code` comes from `CodeQuerySet.for_wall`."""
    url = code.get_absolute_url()
    described = describe_items(admission.opened)
    opened = [described[item] for item in admission.opened if item in described]
    return Wall(
        code=code.code,
        system_name=code.system.name,
        title=shorten(code.title, 110),
        url=url,
        breadcrumb=breadcrumb(code.system, code.heading, last=code.code, last_url=url),
        section_titles=[kind.label for kind in LOCKED_KINDS],
        admission=admission,
        opened=[Link(label, address, title) for label, title, address in opened],
        login_url=with_next("account_login", url),
        signup_url=with_next("account_signup", url),
        trademark_notice=code.system.trademark_notice,
    )


def describe_items(items: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """For items such as "cpt:38570": label, plain title and address, in one query. Unknown items are left out."""
    codes = Code.objects.for_items(items).with_titles().select_related("system")
    return {
        code.item: (f"{code.system.name} {code.code}", shorten(code.title, 110), code.get_absolute_url())
        for code in codes
    }


# --- Browsing ---------------------------------------------------------------------------------------------------


def present_heading_rows(headings: Iterable[Heading], *, below: int | None = None) -> list[HeadingRow]:
    """The tree under one heading (or a whole system), from headings with `code_count` in book order."""
    children: dict[int | None, list[Heading]] = {}
    for heading in headings:
        children.setdefault(heading.parent_id, []).append(heading)

    def rows(parent: int | None) -> list[HeadingRow]:
        return [
            HeadingRow(
                name=heading.name,
                url=heading.get_absolute_url(),
                span=span(heading),
                count=heading.code_count,
                children=rows(heading.pk),
            )
            for heading in children.get(parent, [])
        ]

    return rows(below)


def present_browse(
    system: CodeSystem, *, heading: Heading | None, headings: Iterable[Heading], page: Page[Any] | None
) -> Browse:
    """A system's or a heading's page, from its headings and one page of its codes."""
    target = heading or system
    today = timezone.now().date()
    return Browse(
        name=heading.name if heading else system.name,
        lead=f"{system.name} {span(heading)}" if heading else system.title,
        breadcrumb=breadcrumb(system, heading),
        canonical_url=settings.SITE_URL + target.get_absolute_url(),
        headings=present_heading_rows(headings, below=heading.pk if heading else None),
        codes=present_rows(page.object_list, day=today) if page else [],
        page=page,
        trademark_notice=system.trademark_notice,
    )


def present_rows(codes: Iterable[Code], *, day: datetime.date) -> list[CodeRow]:
    """Codes from `CodeQuerySet.for_list` as rows."""
    return [
        CodeRow(
            label=code.code,
            url=code.get_absolute_url(),
            title=shorten(code.title, 160),
            system_name=code.system.name,
            badges=badges(code, day=day),
        )
        for code in codes
    ]


# --- Shared -----------------------------------------------------------------------------------------------------


def breadcrumb(system: CodeSystem, heading: Heading | None, *, last: str = "", last_url: str = "") -> list[Link]:
    """From the list of systems down to the page itself."""
    links = [Link("Codes", reverse("codes:systems")), Link(system.name, system.get_absolute_url())]
    nodes = heading.trail if heading else []
    links += [Link(node.name, reverse("codes:heading", args=[system.slug, node.slug])) for node in nodes]
    if last:
        links.append(Link(last, last_url))
    links[-1] = Link(links[-1].label, links[-1].url, is_current=True)
    return links


def shorten(text: str, most: int) -> str:
    """`text` in at most that many characters, never cut inside a word."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:(–-") + "…"


def link_to(system: str, code: str, *, title: str = "") -> Link:
    """A link to a code's page, without asking whether the code is loaded: an unknown one is a designed 404."""
    return Link(code, code_url(system, code), shorten(title, 80))


def with_next(name: str, url: str) -> str:
    """The address of a named page that comes back to `url` afterwards."""
    return f"{reverse(name)}?{urlencode({'next': url})}"


def span(heading: Heading) -> str:
    """The codes of a heading as a range."""
    return "–".join(dict.fromkeys([heading.first_code, heading.last_code]))


def spell(day: datetime.date) -> str:
    return date_format(day, "j F Y")
