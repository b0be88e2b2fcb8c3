"""Who looks at a page: an account, or a guest with a signed cookie."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

from quotas.meters import GUEST, REGISTERED, UNLIMITED

GUEST_COOKIE = "guest"
GUEST_ID = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of any tier. A guest without a valid cookie has no key yet."""

    tier: str
    key: str | None
    user: Any = None  # the account; None for guests


def reader_of(request: HttpRequest) -> Reader:
    """The reader behind a request. The session is only looked at if the request brings a session cookie."""
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        user = request.user
        if user.is_authenticated:
            return account_reader(user)
    return Reader(GUEST, guest_key(request))


def account_reader(user: Any) -> Reader:
    return Reader(UNLIMITED if user.is_staff or user.is_superuser else REGISTERED, account_key(user), user)


def account_key(user: Any) -> str:
    return f"u:{user.pk}"


def guest_key(request: HttpRequest) -> str | None:
    """The key of the guest whose cookie the request brings; None if there is none, or it is forged, foreign or old."""
    cookie = request.COOKIES.get(GUEST_COOKIE)
    return None if cookie is None else key_in_cookie(cookie)


def key_in_cookie(cookie: str) -> str | None:
    try:
        guest = guest_signer().unsign(cookie, max_age=settings.QUOTA_GUEST_COOKIE_AGE)
    except (BadSignature, ValueError):  # ValueError: text that no encoding takes
        return None
    return f"g:{guest}" if GUEST_ID.fullmatch(guest) else None


def new_guest_key() -> str:
    return f"g:{secrets.token_urlsafe(16)}"


def set_guest_cookie(response: HttpResponse, key: str) -> None:
    response.set_cookie(
        GUEST_COOKIE,
        guest_signer().sign(key.removeprefix("g:")),
        max_age=settings.QUOTA_GUEST_COOKIE_AGE,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def guest_signer() -> TimestampSigner:
    return TimestampSigner(salt="quotas.guest")
