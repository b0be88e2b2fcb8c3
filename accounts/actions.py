"""What changes an account as a whole, across all apps."""

import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from codes import actions as codes
from quotas import actions as quotas


class LastSuperuser(Exception):
    def __init__(self) -> None:
        super().__init__(
            "This is the last account that may administer the site. "
            "Make another account a superuser first, then delete this one."
        )


def export_account(*, user: User) -> dict[str, Any]:
    """All that the site stores about a reader, from every app, ready for JSON."""
    return {
        "exported_at": timezone.now(),
        "account": {
            "email": user.email,
            "member_since": user.date_joined,
            "last_login": user.last_login,
            "is_active": user.is_active,
            "is_editor": user.is_staff,
            "groups": sorted(user.groups.values_list("name", flat=True)),
        },
        "addresses": list(EmailAddress.objects.filter(user=user).order_by("pk").values("email", "verified", "primary")),
        "sessions": list(
            UserSession.objects.filter(user=user)
            .order_by("pk")
            .values("created_at", "last_seen_at", "ip", "user_agent")
        ),
        "reference": codes.export_reader(user=user),
        "usage": quotas.export_reader(user=user),
    }


@transaction.atomic
def delete_account(*, user: User) -> None:
    """Deletes the account and all that is the reader's own; what an editor wrote stays, without its author.

    Raises `LastSuperuser` rather than leave a site that nobody can administer.
    """
    # no_key: an editor who is writing holds the revision and refers to an account; a full lock could deadlock.
    if set(User.objects.who_may_administer().order_by("pk").select_for_update(no_key=True)) == {user}:
        raise LastSuperuser
    keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    codes.forget_reader(user=user)
    quotas.forget_reader(user=user)
    user.delete()


def purge_unverified(*, before: datetime.datetime) -> int:
    """Deletes accounts made before a moment that nobody ever verified; how many there were."""
    count = 0
    for key in list(User.objects.never_verified(before=before).values_list("pk", flat=True)):
        with transaction.atomic():
            # Asked again under a lock: somebody may have entered the code since.
            account = User.objects.never_verified(before=before).filter(pk=key).select_for_update(of=("self",)).first()
            if account:
                delete_account(user=account)
                count += 1
    return count


def purge_sessions() -> int:
    """Forgets sessions that have ended, with the address and browser kept for each; how many there were."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    # NOT EXISTS, since NOT IN compares each with each once the list does not fit into work_mem.
    lives = Session.objects.filter(session_key=OuterRef("session_key"))
    ended: QuerySet[Any] = UserSession.objects.filter(~Exists(lives))
    return ended.delete()[0]


def purge_limits() -> int:
    """Forgets counts of attempts, with the network address of each, that have run out; how many there were.

    Django's cache table keeps expired rows until it is full, which here would be for ever.
    """
    if not isinstance(caches["default"], DatabaseCache):
        return 0
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [timezone.now()])  # noqa: S608 - our own setting
        return int(cursor.rowcount)
