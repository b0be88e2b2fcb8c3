"""What was counted, what was decided about limits, and whose networks are the crawlers'.

Only `actions.py` writes these tables, but for overrides that the admin adds and ends. The statements of the hot path
are there too, since they read and write at once.
"""

import datetime
from collections.abc import Collection
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GistIndex, OpClass
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from quotas.emails import address_digests
from quotas.windows import WINDOWS


class AllowanceQuerySet(models.QuerySet["Allowance"]):
    def of(self, reader_key: str, meter: str, window_start: datetime.date) -> "AllowanceQuerySet":
        return self.filter(reader_key=reader_key, meter=meter, window_start=window_start)

    def of_reader(self, reader_key: str) -> "AllowanceQuerySet":
        return self.filter(reader_key=reader_key)

    def in_windows(self, meter: str, starts: Collection[datetime.date]) -> "AllowanceQuerySet":
        """Those of a meter in any of several windows, oldest first."""
        return self.filter(meter=meter, window_start__in=starts).order_by("id")


class Allowance(models.Model):
    """What one reader opened in one window: the whole state of the meter in one row (ADR on the array row)."""

    reader_key = models.TextField(db_collation="C", help_text="u:… an account, g:… a guest.")
    meter = models.TextField(db_collation="C")
    window_start = models.DateField(help_text="First day of the window, UTC; 1970-01-01 if it never ends.")
    created_on = models.DateField(help_text="First opening in this window.")
    opened = ArrayField(models.TextField(), default=list, help_text="Items that cost a view each, oldest first.")
    carried = ArrayField(models.TextField(), default=list, help_text="Items opened as a guest; they cost nothing.")

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["reader_key", "meter", "window_start"], name="allowance_once_per_window"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of {self.reader_key} from {self.window_start}"


class AllowanceOverrideQuerySet(models.QuerySet["AllowanceOverride"]):
    def in_force(self, user: Any, meter: str, day: datetime.date) -> "AllowanceOverrideQuerySet":
        """The overrides that hold for an account on a day, the one that counts first."""
        ends = Q(ends_on__isnull=True) | Q(ends_on__gte=day)
        return self.filter(ends, user=user, meter=meter).order_by("-id")


class AllowanceOverride(models.Model):
    """One account's own limit, which beats its tier's. The newest one in force counts; old ones stay as a record."""

    class Window(models.TextChoices):
        MONTH = "month", "Calendar month (UTC)"
        DAY = "day", "Day (UTC)"
        EVER = "ever", "Ever"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="allowance_overrides", verbose_name="account"
    )
    meter = models.CharField(max_length=40, default="code_page")
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Openings a window; empty: unlimited.")
    window = models.CharField(
        max_length=5, choices=Window.choices, blank=True, help_text="Empty: the window of registered accounts."
    )
    reason = models.TextField(help_text="Why this account differs. The account can read it in its data export.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ends_on = models.DateField(null=True, blank=True, help_text="Last day (UTC) it holds; empty: until you end it.")

    objects = AllowanceOverrideQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
            CheckConstraint(condition=Q(window__in=["", *WINDOWS]), name="override_window_is_known"),
        ]
        indexes: ClassVar[list[Index]] = [Index(fields=["user", "meter", "-id"], name="override_of_account")]

    def __str__(self) -> str:
        limit = "unlimited" if self.limit is None else str(self.limit)
        return f"{self.meter}: {limit} for {self.user}"


class MoreRequestQuerySet(models.QuerySet["MoreRequest"]):
    def undecided(self) -> "MoreRequestQuerySet":
        return self.filter(decision=MoreRequest.Decision.NONE)

    def of_account(self, user: Any, meter: str) -> "MoreRequestQuerySet":
        return self.filter(user=user, meter=meter)


class MoreRequest(models.Model):
    """An account's wish for a higher limit; an editor grants it as an override, or declines it."""

    class Decision(models.TextChoices):
        NONE = "", "Waiting"
        GRANTED = "granted", "Granted"
        DECLINED = "declined", "Declined"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="more_requests", verbose_name="account"
    )
    meter = models.CharField(max_length=40, default="code_page")
    message = models.TextField(max_length=1000)
    created_at = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.NONE, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    override = models.ForeignKey(AllowanceOverride, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = MoreRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "request for more"
        verbose_name_plural = "requests for more"
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(
                fields=["user", "meter"], condition=Q(decision=""), name="more_request_one_open_per_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} asks for more ({self.meter})"


class DeletedAllowanceQuerySet(models.QuerySet["DeletedAllowance"]):
    def of_address(self, address: str, meter: str, window_start: datetime.date) -> "DeletedAllowanceQuerySet":
        """What a mailbox remembers, under today's SECRET_KEY and those before it."""
        return self.filter(address_digest__in=address_digests(address), meter=meter, window_start=window_start)


class DeletedAllowance(models.Model):
    """What an account had opened when it left its address, under an HMAC of that, until the window ends.

    An account leaves its address when it is deleted or moves to another one. Whoever comes to that address gets the
    openings back, so neither is a way to a new allowance.
    """

    address_digest = models.CharField(max_length=64)
    meter = models.TextField()
    window_start = models.DateField()
    expires_on = models.DateField(null=True, help_text="First day of the next window; empty if there is none.")
    opened = ArrayField(models.TextField(), default=list)
    carried = ArrayField(models.TextField(), default=list)

    objects = DeletedAllowanceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["address_digest", "meter", "window_start"], name="deleted_allowance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of a deleted account from {self.window_start}"


class NetworkDay(models.Model):
    """How many guests without a valid cookie a network brought on one day. The network is an HMAC keyed by that day."""

    day = models.DateField()
    network = models.CharField(max_length=32, db_collation="C")
    guests = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["day", "network"], name="network_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.guests} guests on {self.day}"


class CidrField(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's `cidr`, as text."""

    description = "A network"

    def db_type(self, connection: Any) -> str:
        return "cidr"


class CrawlerNetwork(models.Model):
    """A network that a search engine itself publishes for its crawler; replaced as a whole by `refresh_crawlers`."""

    engine = models.CharField(max_length=40)
    network = CidrField()
    refreshed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["engine", "network"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            UniqueConstraint(fields=["engine", "network"], name="crawler_network_once"),
        ]
        indexes: ClassVar[list[Index]] = [
            GistIndex(OpClass("network", name="inet_ops"), name="crawler_network_lookup"),
        ]

    def __str__(self) -> str:
        return f"{self.engine}: {self.network}"
