"""The answer of the meter, handed on from the middleware to views and templates; nobody recounts."""

import datetime
from dataclasses import dataclass
from typing import Protocol

from quotas.meters import REGISTERED, UNLIMITED, count_of, get_meter

WINDOW_WORDS = {"month": " a month", "day": " a day", "ever": ""}


class Meterable(Protocol):
    """What a `@metered` view's `find` returns."""

    @property
    def item(self) -> str: ...  # opaque: "cpt:38570"
    @property
    def costs_view(self) -> bool: ...  # False: shown without being counted


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether this reader may see this item, and what is left after it was counted."""

    allowed: bool
    tier: str  # "guest", "registered", "unlimited", "crawler"
    used: int
    limit: int | None  # None: unlimited
    resets_on: datetime.date | None  # None: never
    opened: tuple[str, ...] = ()  # items open in this window, carried ones included, oldest first
    network_full: bool = False  # refused because the network brought too many guests today
    meter: str = "code_page"
    window: str = "month"
    is_override: bool = False  # the limit is this account's own, not its tier's
    newly: bool = False  # this request opened the item
    carried: tuple[str, ...] = ()  # the part of `opened` that was opened as a guest and cost nothing

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.used, 0)

    @property
    def is_guest(self) -> bool:
        return self.tier not in {REGISTERED, UNLIMITED}

    @property
    def unlocks_sections(self) -> bool:
        """Registered readers and editors read the locked sections; guests and crawlers never do."""
        return self.allowed and not self.is_guest

    @property
    def remaining_text(self) -> str:
        """ "0 code page views remaining." """
        unit = get_meter(self.meter).unit
        if self.remaining is None:
            return f"Unlimited {unit}s."
        return f"{count_of(self.remaining, unit)} remaining."

    @property
    def limit_text(self) -> str:
        """ "Guest accounts are limited to 1 page view." """
        if self.limit is None:
            return "Editors and staff are not metered." if not self.is_override else "Your account has no limit."
        many = count_of(self.limit, get_meter(self.meter).short_unit)
        if self.is_guest:
            per_day = WINDOW_WORDS["day"] if self.window == "day" else ""
            return f"Guest accounts are limited to {many}{per_day}."
        whose = "Your account is" if self.is_override else "Free accounts are"
        return f"{whose} limited to {many}{WINDOW_WORDS[self.window]}."

    @property
    def offer_text(self) -> str:
        """ "Register free account to get 5 more views." for guests, else nothing."""
        if not self.is_guest:
            return ""
        meter = get_meter(self.meter)
        limit = meter.limits[REGISTERED]
        return f"Register free account to get {limit} more {meter.shortest_unit}{'' if limit == 1 else 's'}."

    @property
    def resets_text(self) -> str:
        """ "Resets on 1 December 2026." for accounts that have a limit and a window, else nothing."""
        if self.limit is None or self.is_guest or self.resets_on is None:
            return ""
        return f"Resets on {self.resets_on.day} {self.resets_on:%B %Y}."
