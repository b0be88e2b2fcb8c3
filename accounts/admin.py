"""Accounts for editors to look after. Nothing here shows a password or its hash."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.actions import delete_account
from accounts.models import User

# Addresses and sessions are shown and changed through the account that they belong to.
for model in (EmailAddress, EmailConfirmation, UserSession):
    try:
        admin.site.unregister(model)
    except NotRegistered:
        continue


class NewAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account without a password: its owner chooses one with the mail that the account gets."""

    class Meta:
        model = User
        fields = ("email", "is_staff", "groups")

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"].lower()
        owner = User.objects.of_mailbox(address).first()
        if owner:
            raise ValidationError(f"This mailbox has an account already: {owner.email}.")
        return address

    def save(self, commit: bool = True) -> Any:
        self.instance.set_unusable_password()
        return super().save(commit)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """An address is read-only once the account is made: only its owner can move an account to another mailbox."""

    form = AccountForm
    add_form = NewAccountForm
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_staff", "is_active", "is_superuser", "groups")
    search_fields = ("email",)
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    readonly_fields = ("email", "verified", "password_state", "date_joined", "last_login")
    filter_horizontal = ("groups", "user_permissions")
    actions = ("send_password_mail",)
    fieldsets = (
        (None, {"fields": ("email", "verified", "password_state", "is_active")}),
        ("Rights", {"fields": ("is_staff", "groups", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "is_staff", "groups")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    @admin.display(boolean=True, description="address verified")
    def verified(self, account: User) -> bool:
        return bool(EmailAddress.objects.filter(user=account, verified=True).exists())

    @admin.display(description="password")
    def password_state(self, account: User) -> str:
        return format_html(
            '{} <a href="{}">Set another password</a>',
            "Set." if account.has_usable_password() else "None yet.",
            reverse("admin:auth_user_password_change", args=[account.pk]),
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True, verified=False)
            self._send_password_mail(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Not for the last account that may administer the site."""
        is_last = obj is not None and set(User.objects.who_may_administer()) == {obj}
        return not is_last and bool(super().has_delete_permission(request, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts as a right that is missing, when nobody would be left who may administer the site."""
        deleted, counts, missing, protected = super().get_deleted_objects(objs, request)
        administrators = set(User.objects.who_may_administer())
        if administrators and administrators <= set(objs):
            missing = {*missing, "the last account that may administer the site"}
        return deleted, counts, missing, protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Deletes as the reader's own page does, in every app."""
        delete_account(user=obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for account in queryset:
            delete_account(user=account)

    @admin.action(description="Mail a way to choose a new password", permissions=["change"])
    def send_password_mail(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        accounts = list(queryset.filter(is_active=True))
        for account in accounts:
            self._send_password_mail(request, account)
        messages.success(request, f"Sent {len(accounts)} mail{'' if len(accounts) == 1 else 's'}.")

    def _send_password_mail(self, request: HttpRequest, account: User) -> None:
        url = settings.SITE_URL + reverse("account_reset_password")
        get_adapter(request).send_mail("account/email/choose_password", account.email, {"password_reset_url": url})
