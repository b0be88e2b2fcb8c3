"""Where editors write. One screen per code holds all that they say about it.

Codes, descriptors and HCPCS records are shown and never changed here: they belong to the imports, and the next release
would silently undo an edit. An editor who disagrees with an imported text writes a `DescriptorOverride`, which says so.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from codes import actions, markdown
from codes.admin_forms import CodeForm
from codes.admin_history import Version, versions_of
from codes.models import Code, CodeSystem, Descriptor, DescriptorOverride, Entry, ErrorReport, HcpcsRecord, Section
from quotas.admin import ReadOnly

DESCRIPTORS_SHOWN = 10
SECTIONS_SHOWN = 50
WORDS_SEARCHED = 12  # each costs four searches
VERSIONS_A_PAGE = 20


# --- Filters of the list of codes -------------------------------------------------------------------------------


class TextsFilter(admin.SimpleListFilter):
    """What has been written, and what waits for an editor."""

    title = "texts"
    parameter_name = "texts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("draft", "Has a draft"),
            ("described", "Description published"),
            ("missing", "No description published"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Code]) -> QuerySet[Code]:
        mine = Section.objects.filter(code=OuterRef("pk"))
        if self.value() == "draft":
            return queryset.filter(Exists(mine.filter(status=Section.Status.DRAFT)))
        if self.value() == "described":
            return queryset.filter(Exists(Section.objects.open().filter(code=OuterRef("pk"))))
        if self.value() == "missing":
            return queryset.filter(~Exists(Section.objects.open().filter(code=OuterRef("pk"))))
        return queryset


class SampleFilter(admin.SimpleListFilter):
    title = "sample content"
    parameter_name = "sample"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Sample, not reviewed"), ("0", "Not sample")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Code]) -> QuerySet[Code]:
        return queryset.filter(entry__is_sample=self.value() == "1") if self.value() in {"0", "1"} else queryset


class ForceFilter(admin.SimpleListFilter):
    title = "validity"
    parameter_name = "validity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("current", "In force today"), ("terminated", "Terminated"), ("future", "Not yet in force")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Code]) -> QuerySet[Code]:
        today = timezone.now().date()
        if self.value() == "current":
            return queryset.exclude(added_on__gt=today).exclude(terminated_on__lt=today)
        if self.value() == "terminated":
            return queryset.filter(terminated_on__lt=today)
        if self.value() == "future":
            return queryset.filter(added_on__gt=today)
        return queryset


# --- Codes ------------------------------------------------------------------------------------------------------


@admin.register(Code)
class CodeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Whoever may write entries, sections and wordings may edit here. No right lets anybody change a code itself."""

    list_display = ("code", "system", "title", "texts", "is_sample", "added_on", "terminated_on")
    list_display_links = ("code", "title")
    list_filter = ("system", TextsFilter, SampleFilter, ForceFilter)
    search_fields = ("code",)
    search_help_text = "A code or its beginning, or words of its title, its official text or its sections."
    ordering = ("system_id", "position")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ("system", "entry", "descriptor")
    list_per_page = 50
    actions = ("publish_drafts", "withdraw")
    save_on_top = True  # also makes Save, not Preview, what Enter presses
    change_form_template = "admin/codes/code/change_form.html"
    readonly_fields = (
        *(
            "code",
            "system",
            "heading",
            "position",
            "is_resequenced",
            "is_addon",
            "added_on",
            "changed_on",
            "terminated_on",
        ),
        *("successors", "delisted_in", "imported_texts", "hcpcs_record", "all_texts"),
    )
    facts = (
        *(("system", "code"), "heading", ("position", "is_resequenced", "is_addon")),
        *(("added_on", "changed_on", "terminated_on"), ("successors", "delisted_in"), "imported_texts", "hcpcs_record"),
    )

    class Media:
        css: ClassVar = {"all": ["css/admin-editing.css"]}
        js: ClassVar = [forms.Script("js/admin-editing.js", type="module")]

    # Rights

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        models = ("entry", "section", "descriptoroverride")
        rights = [f"codes.{verb}_{model}" for verb in ("add", "change") for model in models]
        return bool(request.user.has_perms(rights))

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Code]:
        sections = Section.objects.only("code_id", "kind", "status").order_by()
        return super().get_queryset(request).prefetch_related(Prefetch("sections", sections))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Code], search_term: str
    ) -> tuple[QuerySet[Code], bool]:
        """Every word must be found, in the code, the title, the official text or a section; of many, the first ones."""
        for word in search_term.replace("\0", "").split()[:WORDS_SEARCHED]:
            queryset = queryset.filter(
                Q(code__startswith=word.upper())
                | Q(pk__in=Entry.objects.filter(title__icontains=word).values("code"))
                | Q(pk__in=Code.objects.filter(descriptor__long__icontains=word).values("pk"))
                | Q(pk__in=Section.objects.filter(text__icontains=word).values("code"))
            )
        return queryset, False

    @admin.display(description="title")
    def title(self, code: Code) -> str:
        if entry := getattr(code, "entry", None):
            return str(entry.title)
        return Truncator(code.descriptor.long).chars(90) if code.descriptor else "No text yet"

    @admin.display(description="texts")
    def texts(self, code: Code) -> str:
        drafts = sum(section.status == Section.Status.DRAFT for section in code.sections.all())
        published = len(code.sections.all()) - drafts
        parts = [f"{published} published"] if published else []
        return ", ".join([*parts, f"{drafts} draft{'s' if drafts > 1 else ''}"] if drafts else parts) or "none"

    @admin.display(description="sample")
    def is_sample(self, code: Code) -> str | None:
        entry = getattr(code, "entry", None)
        return "sample" if entry and entry.is_sample else None

    @admin.action(description="Publish the drafts of the selected codes", permissions=["change"])
    def publish_drafts(self, request: HttpRequest, queryset: QuerySet[Code]) -> HttpResponse | None:
        return self._set_status(request, queryset, Section.Status.PUBLISHED)

    @admin.action(description="Unpublish the selected codes (texts become drafts)", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Code]) -> HttpResponse | None:
        return self._set_status(request, queryset, Section.Status.DRAFT)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Code], status: str) -> HttpResponse | None:
        codes = queryset.order_by()
        if "confirmed" in request.POST:
            changed = actions.publish(codes=codes, user=_user(request), status=status)
            done = "Published" if status == Section.Status.PUBLISHED else "Made drafts of"
            number = len({section.code_id for section in changed})
            self.message_user(request, f"{done} {len(changed)} sections of {number} codes.", messages.SUCCESS)
            return None
        sections = actions.find_publishable(codes=codes, status=status)
        context = {
            **self.admin_site.each_context(request),
            "title": "Publish drafts" if status == Section.Status.PUBLISHED else "Unpublish texts",
            "opts": self.opts,
            "is_publishing": status == Section.Status.PUBLISHED,
            "count": sections.count(),
            "sections": sections[:SECTIONS_SHOWN],
            "action": request.POST["action"],
            "select_across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        }
        return TemplateResponse(request, "admin/codes/code/confirm_status.html", context)

    # The editing screen

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[CodeForm]:
        return CodeForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self.has_change_permission(request, obj):
            return [("Imported", {"fields": self.facts}), ("Texts", {"fields": ["all_texts"]})]
        sections = [
            (
                kind.label,
                {"fields": [f"{kind}_status", f"{kind}_text", f"{kind}_version"], "classes": ["section-editor"]},
            )
            for kind in Section.Kind
        ]
        return [
            (
                "Title and sample wording",
                {
                    "fields": [
                        *("title", "sample_descriptor", "is_sample"),
                        *(("reviewed_by", "reviewed_on"), "entry_version"),
                    ]
                },
            ),
            *sections,
            ("History", {"fields": ["reason"]}),
            (
                "Editor’s wording of the official text",
                {"fields": ["override_text", "override_reason", "override_version"]},
            ),
            (
                "Imported",
                {
                    "fields": self.facts,
                    "description": "Written by imports and content files; the next one would undo a change made here.",
                },
            ),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Before a save, locks: what the form checks must still hold when it is written."""
        if request.method == "POST" and connection.in_atomic_block:
            actions.begin_writing()
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Code, form: Any, change: bool) -> None:
        form.save_texts(_user(request))

    def view_on_site(self, obj: Code) -> str:
        return obj.get_absolute_url()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        kinds = [{"name": f"id_{kind}_text", "label": kind.label} for kind in Section.Kind]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "show_save_and_add_another": False, "kinds": kinds}
        )

    @admin.display(description="imported texts")
    def imported_texts(self, code: Code) -> SafeString | str:
        rows = (
            Descriptor.objects.filter(code=code)
            .select_related("edition__source")
            .order_by("-edition__effective_on")[: DESCRIPTORS_SHOWN + 1]
        )
        shown = [
            (str(row.edition), row.long, row.short, "shown" if row.pk == code.descriptor_id else "earlier")
            for row in rows[:DESCRIPTORS_SHOWN]
        ]
        more = "Older editions hold more." if len(rows) > DESCRIPTORS_SHOWN else ""
        return render_table(("Edition", "Long", "Short", "State"), shown, more) if shown else "None imported."

    @admin.display(description="HCPCS record")
    def hcpcs_record(self, code: Code) -> SafeString | str:
        row = (
            HcpcsRecord.objects.filter(code=code)
            .select_related("edition__source")
            .order_by("-edition__effective_on")
            .first()
        )
        if row is None:
            return "None imported."
        known = [
            (field.verbose_name, ", ".join(value) if isinstance(value, list) else value)
            for field in HcpcsRecord._meta.concrete_fields
            if field.name not in {"id", "code", "edition"} and (value := getattr(row, field.attname)) is not None
        ]
        return render_table(("Column", "Value"), known, f"From {row.edition}.")

    @admin.display(description="texts")
    def all_texts(self, code: Code) -> SafeString | str:
        rows = {section.kind: section for section in Section.objects.filter(code=code)}
        shown = [
            (kind.label, rows[kind].get_status_display(), rows[kind].text) for kind in Section.Kind if kind in rows
        ]
        return render_table(("Section", "Status", "Markdown"), shown, "") if shown else "None written."

    # Preview, history, revert

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.preview_view), name="codes_code_preview"),
            path("<int:code>/revert/", view(self.revert_view), name="codes_code_revert"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The text of one field as its page would show it: a fragment for the script, a page for everybody else."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        text = actions.tidy(request.POST.get(request.POST.get("preview", ""), ""))
        problems = markdown.find_problems(text)
        html = markdown.render(text[: markdown.MAX_LENGTH])
        context: dict[str, Any] = {"html": html, "problems": problems}
        if request.headers.get("X-Fragment"):
            return render(request, "admin/codes/_preview.html", context)
        context |= {**self.admin_site.each_context(request), "title": "Preview", "opts": self.opts}
        return render(request, "admin/codes/preview.html", context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Every version of what editors wrote about the code, newest first, compared with the one before it."""
        code = self.get_object(request, object_id)
        if code is None:
            raise Http404
        if not self.has_view_or_change_permission(request, code):
            raise PermissionDenied
        paginator = Paginator(Version.all_of(code), VERSIONS_A_PAGE)
        page = paginator.get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {code}",
            "opts": self.opts,
            "object": code,
            "page": page,
            "versions": versions_of(page.object_list),
            "may_revert": self.has_change_permission(request, code),
        }
        return render(request, "admin/codes/code/history.html", context)

    @method_decorator(require_POST)
    def revert_view(self, request: HttpRequest, code: int) -> HttpResponse:
        """Make an older version the newest again."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        found = get_object_or_404(Code, pk=code)
        version = Version.find(found, request.POST.get("version", ""))
        if version is None:
            raise Http404
        try:
            actions.revert(record=version.record(), version=_number(request.POST.get("now")), user=_user(request))
        except actions.EditConflict:
            self.message_user(
                request, "Somebody saved another version meanwhile. Look again, then decide.", messages.ERROR
            )
        except ValidationError as error:
            self.message_user(request, f"That version cannot come back: {' '.join(error.messages)}", messages.ERROR)
        else:
            self.message_user(request, f"{version.label} is back at an earlier version.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:codes_code_history", args=[code]))


def render_table(heads: Iterable[str], rows: Iterable[Iterable[Any]], note: str) -> SafeString:
    return format_html(
        '<div class="imported"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table><p>{}</p></div>',
        format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
        format_html_join(
            "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
        ),
        note,
    )


def _user(request: HttpRequest) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)  # noqa: S101 - admin_view lets nobody else in
    return request.user


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


# --- The rest ---------------------------------------------------------------------------------------------------


@admin.register(CodeSystem)
class CodeSystemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Systems come with migrations; an operator may correct the notices."""

    list_display = ("name", "title", "publisher", "is_licensed")
    readonly_fields = ("slug", "source", "is_licensed", "position")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DescriptorOverride)
class DescriptorOverrideAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """All editor's wordings in one list. They are written and removed on the screen of their code."""

    list_display = ("code_link", "text", "reason", "author", "created_at", "is_outdated")
    list_display_links = None
    list_select_related = ("code__descriptor", "author")
    ordering = ("-created_at",)

    @admin.display(description="code")
    def code_link(self, row: DescriptorOverride) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:codes_code_change", args=[row.code_id]), row.code)

    @admin.display(description="imported text has changed since", boolean=True)
    def is_outdated(self, row: DescriptorOverride) -> bool:
        return row.code.descriptor is None or row.code.descriptor.long != row.original


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ErrorReport]) -> QuerySet[ErrorReport]:
        if self.value() in {"open", "resolved"}:
            return queryset.filter(resolved_at__isnull=self.value() == "open")
        return queryset


@admin.register(ErrorReport)
class ErrorReportAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """What readers reported. A report is never edited, only resolved or opened again."""

    list_display = ("created_at", "path", "beginning", "is_resolved", "resolved_by")
    list_filter = (OpenFilter,)
    list_select_related = ("resolved_by",)
    search_fields = ("path", "message", "email")
    ordering = (F("resolved_at").desc(nulls_first=True), "-created_at")
    show_full_result_count = False
    actions = ("resolve", "reopen")
    fields = ("created_at", "page", "edit", "message", "email", "reporter", "resolved_at", "resolved_by")
    readonly_fields = fields

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("codes.change_errorreport"))

    @admin.display(description="what is wrong")
    def beginning(self, report: ErrorReport) -> str:
        return Truncator(report.message).chars(100)

    @admin.display(description="resolved", boolean=True)
    def is_resolved(self, report: ErrorReport) -> bool:
        return report.resolved_at is not None

    @admin.display(description="page")
    def page(self, report: ErrorReport) -> SafeString | str:
        if not report.path.startswith("/") or report.path.startswith(("//", "/\\")):
            return report.path
        return format_html('<a href="{}">{}</a>', report.path, report.path)

    @admin.display(description="edit")
    def edit(self, report: ErrorReport) -> SafeString | str:
        if report.code_id is None:
            return "The page is about no code."
        return format_html(
            '<a href="{}">Edit {}</a>', reverse("admin:codes_code_change", args=[report.code_id]), report.code
        )

    @admin.action(description="Resolve the selected reports", permissions=["decide"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[ErrorReport]) -> None:
        number = actions.resolve_reports(reports=queryset, user=_user(request))
        self.message_user(request, f"Resolved {number} reports.", messages.SUCCESS)

    @admin.action(description="Open the selected reports again", permissions=["decide"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[ErrorReport]) -> None:
        number = actions.resolve_reports(reports=queryset, user=_user(request), resolved=False)
        self.message_user(request, f"Opened {number} reports again.", messages.SUCCESS)
