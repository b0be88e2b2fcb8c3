"""Where editors look at allowances and decide about limits. Networks of readers are shown nowhere, not even hashed."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest

from quotas import actions
from quotas.forms import GrantForm, NewOverrideForm
from quotas.meters import count_of, get_meter
from quotas.models import Allowance, AllowanceOverride, CrawlerNetwork, MoreRequest
from quotas.readers import account_key


class ReadOnly:
    """For admins and inlines: nobody adds, changes or deletes; who may view is a permission as usual."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Allowance)
class AllowanceAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A look-up, not a list: millions of rows mean nothing to anybody, one account's mean something."""

    list_display = ("reader", "meter", "window_start", "used", "items")
    search_fields = ("reader_key",)
    search_help_text = "The e-mail address of an account, or a reader key (u:…, g:…)."
    show_full_result_count = False

    @admin.display(description="reader")
    def reader(self, row: Allowance) -> str:
        return row.reader_key

    @admin.display(description="used")
    def used(self, row: Allowance) -> int:
        return len(row.opened)

    @admin.display(description="open items")
    def items(self, row: Allowance) -> str:
        return ", ".join([*(f"{item} (as guest)" for item in row.carried), *row.opened])

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset.none(), False
        keys = [term]
        if "@" in term:
            users = get_user_model()._default_manager.filter(email__iexact=term)
            keys = [account_key(user) for user in users]
        return queryset.filter(reader_key__in=keys), False


@admin.register(AllowanceOverride)
class AllowanceOverrideAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A record of decisions: an override is written once and may be ended, not rewritten."""

    list_display = ("user", "meter", "limit_text", "window", "ends_on", "author", "created_at")
    list_select_related = ("user", "author")
    search_fields = ("user__email", "reason")
    readonly_fields: ClassVar[list[str]] = [
        "user", "meter", "limit_text", "window", "reason", "author", "created_at"
    ]  # fmt: skip

    @admin.display(description="limit", ordering="limit")
    def limit_text(self, override: AllowanceOverride) -> str:
        return "unlimited" if override.limit is None else str(override.limit)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewOverrideForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["email", "meter", "limit", "window", "reason", "ends_on"]
        return [*self.readonly_fields, "ends_on"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: AllowanceOverride, form: Any, change: bool) -> None:
        if not change:
            obj.author_id = request.user.pk
        super().save_model(request, obj, form, change)


@admin.register(MoreRequest)
class MoreRequestAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Requests are decided by the two actions; each tells the account by e-mail."""

    list_display = ("user", "meter", "message", "created_at", "decision", "decided_by", "decided_at")
    list_filter = ("decision", "meter")
    list_select_related = ("user", "decided_by")
    search_fields = ("user__email", "message")
    action_form = GrantForm
    actions = ("grant", "decline")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [field.name for field in self.model._meta.fields]

    @admin.action(description="Grant the new limit", permissions=["change"])
    def grant(self, request: HttpRequest, queryset: QuerySet[MoreRequest]) -> None:
        form = GrantForm({**request.POST.dict(), "action": "grant"})
        form.fields["action"].choices = [("grant", "")]  # type: ignore[attr-defined]
        if not form.is_valid() or form.cleaned_data["limit"] is None:
            self.message_user(request, "Say the new limit beside the action.", messages.ERROR)
            return
        for more in queryset:
            try:
                actions.grant_request(
                    request=more,
                    limit=form.cleaned_data["limit"],
                    reason=form.cleaned_data["reason"],
                    author=request.user,
                )
            except actions.AlreadyDecided as late:
                self.message_user(request, str(late), messages.WARNING)
            else:
                many = count_of(form.cleaned_data["limit"], get_meter(more.meter).short_unit)
                self.message_user(request, f"Granted: {more.user} may now open {many}.")

    @admin.action(description="Decline", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[MoreRequest]) -> None:
        for more in queryset:
            try:
                actions.decline_request(request=more, author=request.user)
            except actions.AlreadyDecided as late:
                self.message_user(request, str(late), messages.WARNING)
            else:
                self.message_user(request, f"The request of {more.user} was declined.")


@admin.register(CrawlerNetwork)
class CrawlerNetworkAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Search engines' own lists, replaced as a whole by `manage.py refresh_crawlers`; an edit would not last."""

    list_display = ("engine", "network", "refreshed_at")
    list_filter = ("engine",)
    search_fields = ("engine",)
