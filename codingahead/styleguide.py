"""The style guide: every component and every state of a page, with invented data and no official text of any code.

Shown to staff, and to everybody where DEBUG is on; to others it is a 404.
"""

import dataclasses
import datetime
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

from allauth.account.forms import SignupForm
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from codes.forms import ErrorReportForm
from codes.models import LOCKED_KINDS
from codes.presenters import (
    TEASERS,
    Badge,
    Browse,
    CodePage,
    CodeRow,
    DescriptorView,
    Fact,
    HeadingRow,
    HistoryLine,
    Link,
    SectionView,
    SourceLine,
    Wall,
)
from quotas.admissions import Admission

DAY = datetime.date(2026, 11, 3)
RESET = datetime.date(2026, 12, 1)
TRADEMARK = "Example Codes is a made-up code system. It belongs to nobody."

GUEST = Admission(allowed=True, tier="guest", used=1, limit=1, resets_on=RESET, opened=("cpt:00001",))
ACCOUNT = Admission(allowed=True, tier="registered", used=2, limit=5, resets_on=RESET)
EDITOR = Admission(allowed=True, tier="unlimited", used=0, limit=None, resets_on=None)
SPENT_GUEST = dataclasses.replace(GUEST, allowed=False)
SPENT_ACCOUNT = dataclasses.replace(ACCOUNT, allowed=False, used=5)
FULL_NETWORK = dataclasses.replace(GUEST, allowed=False, used=0, network_full=True)

PROSE = """
<p>The page tells in plain words what is done, to whom, and why. A <em>sentence with stress</em>, a <strong>strong
word</strong>, a code such as <code>ZZ101</code> and <a href="#">a link to another code</a>.</p>
<h3>What is included</h3>
<ul><li>The visit before, on the same day</li><li>The service itself, whatever the approach</li>
<li>Closing and the first dressing</li></ul>
<div class="table-scroll" role="group" aria-label="Table: modifiers" tabindex="0"><table><thead><tr>
<th scope="col">Modifier</th><th scope="col">When</th><th scope="col" class="align-right">Share</th></tr></thead><tbody>
<tr><td>AA</td><td>Two surgeons share the work as equals</td><td class="align-right">62.5 %</td></tr>
<tr><td>BB</td><td>The service was stopped before it was finished</td><td class="align-right">50 %</td></tr>
</tbody></table></div>
<blockquote><p>Document the approach before the count.</p></blockquote>
<ol><li>Find the approach in the report.</li><li>Count what was taken.</li></ol>
"""


def code_page(*, admission: Admission = GUEST, **changes: Any) -> CodePage:
    """An invented code as one reader sees it."""
    locked = not admission.unlocks_sections
    trail = [
        Link("Codes", reverse("codes:systems")),
        Link("Example Codes", "#"),
        Link("Surgery of examples", "#"),
        Link("Endoscopic examples", "#"),
        Link("ZZ101", "#", is_current=True),
    ]
    page = CodePage(
        code="ZZ101",
        system_slug="example",
        system_name="Example Codes",
        title="Removal of an example through small cuts, with samples of its neighbours",
        url="#",
        canonical_url="https://example.com/zz/zz101/",
        breadcrumb=trail,
        badges=[Badge("In force", "good"), Badge("Revised in 2026", "info"), Badge("Example Codes 2026", "neutral")],
        status_note="",
        successors=[],
        previous=Link("ZZ100", "#", "Open removal of an example"),
        next=Link("ZZ102", "#", "Removal of all examples of one side through small cuts"),
        family=[
            Link("ZZ100", "#", "Open removal of an example"),
            Link("ZZ101", "#", "Removal of an example through small cuts", is_current=True),
            Link("ZZ102", "#", "Removal of all examples of one side"),
            Link("ZZ103", "#", "The same on both sides"),
        ],
        descriptor=DescriptorView("Endoscopic removal of example, with sampling of neighboring examples", "sample"),
        description_html=PROSE.split("<h3>")[0]
        + "<p>It is chosen when small cuts are enough. If the surgeon changes to an open approach, the open code is "
        "reported instead, and the report says why.</p>",
        description_updated_on=DAY,
        reviewed_by="",
        reviewed_on=None,
        is_sample=True,
        sections=[section(number, kind, locked=locked) for number, kind in enumerate(LOCKED_KINDS, start=1)],
        sources=[
            SourceLine("Example Codes", "2026", DAY, "examples-2026.txt, line 812", "https://example.com/"),
            SourceLine(settings.SITE_NAME, "Sample content, not reviewed by a certified coder", None),
        ],
        history=[
            HistoryLine(datetime.date(2026, 1, 1), "Official text reworded in Example Codes 2026"),
            HistoryLine(datetime.date(2004, 1, 1), "Added"),
        ],
        trademark_notice=TRADEMARK,
        as_of=None,
        admission=admission,
        login_url=reverse("account_login"),
        signup_url=reverse("account_signup"),
        report_url="#",
    )
    return dataclasses.replace(page, **changes)


def section(number: int, kind: Any, *, locked: bool) -> SectionView:
    """Locked for guests; unlocked ones show prose, facts, an empty section and one that awaits its facts."""
    if locked:
        return SectionView(
            kind, number, kind.label, TEASERS[kind], is_locked=True, unlock_url=reverse("account_signup")
        )
    view = SectionView(kind, number, kind.label, TEASERS[kind], is_locked=False, html=PROSE, updated_on=DAY)
    if number == 2:
        return dataclasses.replace(view, html="", is_empty=True, updated_on=None)
    if number == 6:
        return dataclasses.replace(view, html="", awaits_facts=True, updated_on=None)
    if number == 7:
        facts = (Fact("Coverage", "C – carrier judgment"), Fact("Pricing", "13 – price set by carriers"))
        return dataclasses.replace(view, html="", facts=facts, awaits_facts=True)
    return view


def wall(admission: Admission) -> Wall:
    page = code_page()
    return Wall(
        code=page.code,
        system_name=page.system_name,
        title=page.title,
        url=page.url,
        breadcrumb=page.breadcrumb,
        section_titles=[kind.label for kind in LOCKED_KINDS],
        admission=admission,
        opened=[] if admission.network_full else page.family[: admission.used],
        login_url=page.login_url,
        signup_url=page.signup_url,
        trademark_notice=TRADEMARK,
    )


def rows() -> list[CodeRow]:
    named = [(link.label, link.title) for link in code_page().family]
    found = [CodeRow(label, "#", title, "Example Codes", []) for label, title in named]
    return [
        *found,
        CodeRow("ZZ104", "#", "An example of long ago", "Example Codes", [Badge("Terminated", "danger")]),
        CodeRow("ZZ105", "#", "One more example", "Example Codes", [Badge("Add-on code", "info")]),
    ]


def browse() -> Browse:
    endoscopic = HeadingRow("Endoscopic examples", "#", "ZZ100–ZZ199", 42, [])
    open_ones = HeadingRow("Open examples", "#", "ZZ000–ZZ099", 7, [])
    return Browse(
        name="Surgery of examples",
        lead="Example Codes ZZ000–ZZ999",
        breadcrumb=[*code_page().breadcrumb[:2], Link("Surgery of examples", "#", is_current=True)],
        canonical_url="https://example.com/",
        headings=[
            HeadingRow("Small surgery", "#", "ZZ000–ZZ199", 0, [open_ones, endoscopic]),
            HeadingRow("Large surgery", "#", "ZZ200–ZZ299", 3, []),
        ],
        codes=rows(),
        page=Paginator(range(300), 100).page(2),
        trademark_notice=TRADEMARK,
    )


class ExampleForm(forms.Form):
    """A form whose fields are right, wrong and optional."""

    email = forms.EmailField(label="E-mail address")
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput, help_text="At least ten characters.", required=False
    )
    message = forms.CharField(label="Message", widget=forms.Textarea(attrs={"rows": 4}), required=False)
    remember = forms.BooleanField(label="Remember me on this device", required=False)


def bound(form_class: type[forms.Form], **data: str) -> forms.Form:
    """A form as it comes back when something in it is wrong."""
    form = form_class(data)
    form.is_valid()
    return form


PAGES: dict[str, tuple[str, str, Callable[[], dict[str, Any]]]] = {
    "code-guest": ("Code page, guest", "codes/code_page.html", lambda: {"page": code_page()}),
    "code-account": ("Code page, account", "codes/code_page.html", lambda: {"page": code_page(admission=ACCOUNT)}),
    "code-editor": (
        "Code page with its official text, editor",
        "codes/code_page.html",
        lambda: {
            "page": code_page(
                admission=EDITOR,
                descriptor=DescriptorView(
                    "Endoscopic removal of example", "official", "© 2026 Nobody.", "Example Codes 2026"
                ),
                reviewed_by="A. Coder, CPC",
                reviewed_on=DAY,
                is_sample=False,
            )
        },
    ),
    "code-terminated": (
        "Terminated code, as of a date",
        "codes/code_page.html",
        lambda: {
            "page": code_page(
                badges=[Badge("Terminated", "danger"), Badge("Example Codes 2026", "neutral")],
                status_note="ZZ101 was terminated: 31 December 2018 was its last day in force.",
                successors=code_page().family[2:],
                as_of=datetime.date(2025, 3, 1),
            )
        },
    ),
    "code-facts-only": (
        "Code without a description",
        "codes/code_page.html",
        lambda: {
            "page": code_page(
                descriptor=DescriptorView("", "missing"), description_html="", family=[], sources=[], history=[],
                previous=None, badges=[], is_sample=False, description_updated_on=None,
            )
        },
    ),
    "wall-guest": ("Wall, guest", "codes/wall.html", lambda: {"wall": wall(SPENT_GUEST), "form": SignupForm()}),
    "wall-account": ("Wall, account", "codes/wall.html", lambda: {"wall": wall(SPENT_ACCOUNT), "form": None}),
    "wall-network": (
        "Wall, network full", "codes/wall.html", lambda: {"wall": wall(FULL_NETWORK), "form": SignupForm()}
    ),
    "systems": (
        "Code systems",
        "codes/systems.html",
        lambda: {
            "systems": [
                SimpleNamespace(
                    name=name, title=title, publisher="Nobody", code_count=count, get_absolute_url="#"
                )
                for name, title, count in (("Example", "Made-up codes", 12345), ("Other", "More of them", 0))
            ]
        },
    ),
    "browse": ("Heading with codes", "codes/browse.html", lambda: {"browse": browse(), "all_codes": False}),
    "browse-empty": (
        "Heading without codes in force", "codes/browse.html",
        lambda: {"browse": dataclasses.replace(browse(), headings=[], codes=[], page=None), "all_codes": False},
    ),
    "lookup": (
        "Look-up with results", "codes/lookup.html", lambda: {"words": "example", "rows": rows(), "limit": len(rows())}
    ),
    "lookup-empty": (
        "Look-up without results", "codes/lookup.html", lambda: {"words": "nothing like it", "rows": [], "limit": 100}
    ),
    "lookup-blank": ("Look-up without a question", "codes/lookup.html", lambda: {"words": "", "rows": []}),
    "report": ("Error report", "codes/report.html", lambda: {"form": bound(ErrorReportForm, path="/zz/zz101/")}),
    "report-sent": ("Error report sent", "codes/report_sent.html", lambda: {"path": reverse("codes:systems")}),
    "code-not-found": (
        "Unknown code", "codes/code_not_found.html",
        lambda: {"code": "ZZ999", "system_name": "Example Codes", "near": rows()[:4]},
    ),
    "404": ("404", "404.html", dict),
    "400": ("400", "400.html", dict),
    "403": ("403", "403.html", dict),
    "403-csrf": ("403, expired form", "403_csrf.html", dict),
    "500": ("500", "500.html", dict),
    "503": ("503", "503.html", dict),
}  # fmt: skip


def for_makers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Staff, or anybody where DEBUG is on; others learn nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if not (settings.DEBUG or getattr(request.user, "is_staff", False)):
            raise Http404
        return view(request, **kwargs)

    return guarded


@require_safe
@for_makers
def styleguide(request: HttpRequest) -> HttpResponse:
    """Each component in its states, and links to each kind of page."""
    for level, text in (
        (messages.INFO, "A message that informs."),
        (messages.SUCCESS, "A message of success: your changes are saved."),
        (messages.WARNING, "A message that warns."),
        (messages.ERROR, "A message about something that went wrong."),
    ):
        messages.add_message(request, level, text)
    return render(
        request,
        "styleguide/index.html",
        {
            "pages": [(name, title) for name, (title, _, _) in PAGES.items()],
            "badges": [Badge(word, word.lower()) for word in ("Neutral", "Good", "Warning", "Danger", "Info")],
            "icons": ("lock", "copy", "print", "search"),
            "breadcrumb": code_page().breadcrumb,
            "rows": rows(),
            "page": browse().page,
            "form": bound(ExampleForm, email="not an address", message="A text"),
            "guest_page": code_page(),
            "account_page": code_page(admission=ACCOUNT),
            "prose": PROSE,
        },
    )


@require_safe
@for_makers
def styleguide_page(request: HttpRequest, name: str) -> HttpResponse:
    """One page in one state."""
    if name not in PAGES:
        raise Http404
    _, template, context = PAGES[name]
    return render(request, template, context())
