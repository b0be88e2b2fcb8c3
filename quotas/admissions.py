"""The answer of the meter, handed on from the middleware to views and templates; nobody recounts."""

import datetime
from dataclasses import dataclass
from typing import Protocol


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

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.used, 0)

    @property
    def unlocks_sections(self) -> bool:
        """Registered readers and editors read the locked sections; guests and crawlers never do."""
        return self.allowed and self.tier in {"registered", "unlimited"}
