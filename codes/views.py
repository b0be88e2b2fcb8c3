"""Pages of the reference. Each is find → meter → show; what a reader may see is cut in the presenters."""

import datetime
from dataclasses import replace

from allauth.account import app_settings as account_settings
from allauth.account.forms import SignupForm
from allauth.utils import get_form_class
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from codes import actions
from codes.forms import AsOfForm, ErrorReportForm, LookupForm, PageForm
from codes.kept import Kept, kept_page
from codes.models import Code, CodeSystem, FoundCode, HcpcsRecord, Heading, Revision, Section
from codes.presenters import NOTHING_LOCKED, LockedPart, present_browse, present_code, present_rows, present_wall
from quotas.admissions import Admission
from quotas.decorators import metered
from quotas.requests import AddressedRequest, MeteredRequest

ROWS_A_PAGE = 100

open_parts: Kept[Code] = Kept(most=1000)
locked_parts: Kept[LockedPart] = Kept(most=1000)
wall_parts: Kept[Code] = Kept(most=1000)
# Counting codes takes longer the more there are; the counts change only with an edit or a day.
counted_systems: Kept[list[CodeSystem]] = Kept(most=10)
counted_headings: Kept[list[Heading]] = Kept(most=100)


def find_code(request: HttpRequest, system: str, code: str) -> FoundCode | HttpResponse:
    """The code of an address. Another spelling is redirected, a bad date explained, both uncounted."""
    found = Code.objects.find(system=system, code=code)
    if not found:
        return code_not_found(request, system, code)
    if request.path != found.get_absolute_url():
        query = request.META["QUERY_STRING"]
        return redirect(found.get_absolute_url() + (f"?{query}" if query else ""), permanent=True)
    if "on" not in request.GET:
        return found
    if not (form := AsOfForm(request.GET)).is_valid():
        return render(request, "400.html", {"message": form.errors["on"][0]}, status=400)
    return replace(found, as_of=form.cleaned_data["on"])


def code_wall(request: MeteredRequest, found: FoundCode, admission: Admission) -> HttpResponse:
    """Instead of the page, when the allowance is spent. The sign-up form comes back to the page."""
    code = wall_parts.get(found.pk, revision=found.revision, build=lambda: Code.objects.for_wall().get(pk=found.pk))
    wall = present_wall(code, admission=admission)
    form = get_form_class(account_settings.FORMS, "signup", SignupForm)() if admission.is_guest else None
    return render(request, "codes/wall.html", {"wall": wall, "form": form}, status=403)


@require_safe
@metered("code_page", find=find_code, wall=code_wall)
def code_page(request: MeteredRequest, found: FoundCode) -> HttpResponse:
    """One code as this reader may see it, today or as of `?on=`."""
    admission = request.admission
    today = timezone.now().date()
    day = found.as_of or today
    # A walk through the dates of service must not push out of memory what others read today.
    revision = None if found.as_of else found.revision

    def build() -> HttpResponse:
        code = open_parts.get((found.pk, day), revision=revision, build=lambda: read_open_part(found.pk, day))
        locked = NOTHING_LOCKED
        if admission.unlocks_sections:
            locked = locked_parts.get((found.pk, day), revision=revision, build=lambda: read_locked(found.pk, day))
        page = present_code(code, locked=locked, admission=admission, today=today, as_of=found.as_of)
        return render(request, "codes/code_page.html", {"page": page})

    if admission.unlocks_sections:
        return build()
    shown = replace(admission, opened=(), newly=False)  # all that the page shows of it
    return kept_page(request, key=("code", found.pk, today, shown), revision=revision, build=build)


def read_open_part(pk: int, day: datetime.date) -> Code:
    return Code.objects.for_page(day=day).get(pk=pk)


def read_locked(pk: int, day: datetime.date) -> LockedPart:
    """What only registered readers see. Never called for anybody else."""
    return tuple(Section.objects.locked().filter(code=pk)), HcpcsRecord.objects.filter(code=pk).in_force(day)


def code_not_found(request: HttpRequest, system: str, code: str) -> HttpResponse:
    """A designed 404 with codes that are close to what was asked for."""
    near = present_rows(Code.objects.near(system=system, code=code), day=timezone.now().date())
    asked = CodeSystem.objects.get(slug=system)
    context = {"system": asked, "code": code, "near": near, "is_loaded": asked.codes.exists()}
    return render(request, "codes/code_not_found.html", context, status=404)


@require_safe
def systems(request: HttpRequest) -> HttpResponse:
    """All code systems with the top of their tables of contents."""
    today = timezone.now().date()
    revision = Revision.current()

    def count() -> list[CodeSystem]:
        return list(CodeSystem.objects.with_code_counts(day=today))

    def build() -> HttpResponse:
        counted = counted_systems.get(today, revision=revision, build=count)
        return render(request, "codes/systems.html", {"systems": counted})

    return kept_page(request, key=("systems", today), revision=revision, build=build)


@require_safe
def system_redirect(request: HttpRequest, system: str) -> HttpResponse:
    """/cpt/ is where a reader who shortens an address lands: the table of contents is what was meant."""
    return redirect("codes:system", system, permanent=True)


@require_safe
def system(request: HttpRequest, slug: str) -> HttpResponse:
    """The table of contents of one system, and its codes that stand under no heading."""
    return browse(request, get_object_or_404(CodeSystem, slug=slug), heading_slug=None)


@require_safe
def heading(request: HttpRequest, slug: str, heading: str) -> HttpResponse:
    """One heading: what lies below it and the codes directly in it, in book order."""
    return browse(request, get_object_or_404(CodeSystem, slug=slug), heading_slug=heading)


def browse(request: HttpRequest, system: CodeSystem, *, heading_slug: str | None) -> HttpResponse:
    """The page of a system or of one of its headings."""
    number, all_codes = PageForm.of(request.GET)
    today = timezone.now().date()
    revision = Revision.current()

    def count() -> list[Heading]:
        return list(Heading.objects.for_browse(system, day=today, all_codes=all_codes))

    def build() -> HttpResponse:
        headings = counted_headings.get((system.pk, today, all_codes), revision=revision, build=count)
        here = next((heading for heading in headings if heading.slug == heading_slug), None)
        if heading_slug and not here:
            raise Http404
        codes = Code.objects.filter(system=system, heading=here)
        codes = codes if all_codes else codes.valid_on(today)
        page = Paginator(codes.for_list().order_by("position"), ROWS_A_PAGE).get_page(number)
        context = {
            "browse": present_browse(system, heading=here, headings=headings, page=page),
            "all_codes": all_codes,
        }
        return render(request, "codes/browse.html", context)

    key = ("browse", system.slug, heading_slug, number, all_codes, today)
    return kept_page(request, key=key, revision=revision, build=build)


@require_safe
def lookup(request: HttpRequest) -> HttpResponse:
    """The search box: an exact code goes straight to its page, anything else to a list."""
    form = LookupForm(request.GET)
    if not form.is_valid():
        return render(request, "codes/lookup.html", {"form": form, "words": "", "rows": []})
    words = form.cleaned_data["q"]
    if exact := Code.objects.url_of(words):
        return redirect(exact)
    rows = present_rows(Code.objects.look_up(words)[:ROWS_A_PAGE], day=timezone.now().date())
    return render(request, "codes/lookup.html", {"form": form, "words": words, "rows": rows, "limit": ROWS_A_PAGE})


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: AddressedRequest) -> HttpResponse:
    """ "Report an error on this page": reaches the editors, and mails the operator."""
    if request.method != "POST":
        form = ErrorReportForm(initial={"path": request.GET.get("path", "/")[:300].replace("\0", "")})
        return render(request, "codes/report.html", {"form": form})
    form = ErrorReportForm(request.POST)
    if not form.is_valid():
        return render(request, "codes/report.html", {"form": form}, status=400)
    try:
        actions.report_error(
            **form.cleaned_data,
            code=code_at(form.cleaned_data["path"]),
            caller=request.client_address,
            reporter=request.user if request.user.is_authenticated else None,
        )
    except actions.TooManyReports:
        form.add_error(None, "Thank you for so many reports within an hour. Please send the next one a little later.")
        return render(request, "codes/report.html", {"form": form}, status=429)
    return render(request, "codes/report_sent.html", {"path": form.cleaned_data["path"]})


def code_at(path: str) -> Code | None:
    """The code whose page has this path, if it is a code page's."""
    try:
        match = resolve(path)
    except Resolver404:
        return None
    if match.view_name != "codes:code":
        return None
    return Code.objects.filter(system__slug=match.kwargs["system"], code=match.kwargs["code"]).first()
