"""What allauth asks the site: whom to trust, where to go next, what to send."""

import logging
import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.addresses import is_local
from accounts.models import User
from quotas.actions import move_account, start_account
from quotas.readers import guest_key

logger = logging.getLogger(__name__)

RETURN_KEY = "return_to"
RETURN_SECONDS = 24 * 60 * 60  # a day later nobody expects to be sent to a page, which may cost a view


def remember_place(request: HttpRequest, url: str) -> None:
    """Keeps the page that was asked for, in case the code runs out and the reader comes back by log-in."""
    request.session[RETURN_KEY] = {"url": url, "at": time.time()}


def recall_place(request: HttpRequest) -> str:
    """The page that was asked for before, or an empty string."""
    kept = request.session.get(RETURN_KEY)
    return str(kept["url"]) if kept and time.time() - kept["at"] < RETURN_SECONDS else ""


def with_next(name: str, place: str) -> str:
    """The path of a view that goes on to `place`."""
    return f"{reverse(name)}?{urlencode({'next': place})}" if place else reverse(name)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": "This account is locked.",
        "duplicate_email": "This is the address of your account already.",
        "email_password_mismatch": "The e-mail address or the password is not right.",
        "email_taken": "Another account has this address already.",
        "enter_current_password": "This is not your current password.",
        "incorrect_code": "This is not the code that we sent last. Look for the newest mail from us.",
        "incorrect_password": "This is not your password.",
        "rate_limited": "That was quick. Please wait a moment before you ask for another code.",
        "too_many_login_attempts": "Too many attempts. Please wait a few minutes, then try again.",
    }

    def is_ajax(self, request: HttpRequest) -> bool:
        """Never: the screens are pages, and an Accept header must not turn them into allauth's JSON."""
        return False

    def is_safe_url(self, url: str) -> bool:
        return is_local(url)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that counts everywhere on the site, whatever the client wrote into its headers."""
        return str(request.client_address)  # type: ignore[attr-defined]  # set by ClientAddressMiddleware

    # Sign-up and log-in

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Creates the account; what its guest opened stays open, and a deleted account's openings come back."""
        user = super().save_user(request, user, form, commit)
        start_account(user=user, guest_key=guest_key(request))
        return user

    def respond_email_verification_sent(self, request: HttpRequest, user: AbstractBaseUser | None) -> HttpResponse:
        """On to the code, with the page that was asked for; the same for a known and an unknown address."""
        place = get_next_redirect_url(request) or recall_place(request)
        if place:
            remember_place(request, place)
        return HttpResponseRedirect(with_next("account_email_verification_sent", place))

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        place = recall_place(request)
        request.session.pop(RETURN_KEY, None)
        kwargs["redirect_url"] = kwargs["redirect_url"] or get_next_redirect_url(request) or place
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Confirms an address. For an account that moves to it, it is the account's from here on."""
        left = email_address.user.email
        is_confirmed = bool(super().confirm_email(request, email_address))
        if is_confirmed:
            move_account(user=email_address.user, left=left)
        return is_confirmed

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:account")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return reverse("accounts:account")

    # Mail

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sends, or logs why not: an answer that differed when mail fails would tell known addresses from unknown."""
        context = {
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
            "operator_email": settings.OPERATOR_EMAIL,
            **context,
        }
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # SMTPException is one
            logger.exception("Could not send %s", template_prefix)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Tells the owner, at the address that the account has, which may be another spelling of the one given."""
        owner = User.objects.of_mailbox(email).first()
        place = get_next_redirect_url(self.request) or ""
        context = {
            "given": email,
            "address": owner.email if owner else email,
            "login_url": settings.SITE_URL + with_next("account_login", place),
            "password_reset_url": settings.SITE_URL + with_next("account_reset_password", place),
        }
        self.send_mail("account/email/account_already_exists", context["address"], context)
