"""What is counted, and how much of it each tier may have: settings.QUOTA_METERS, typed."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

GUEST = "guest"
REGISTERED = "registered"
UNLIMITED = "unlimited"
CRAWLER = "crawler"


@dataclass(frozen=True, slots=True)
class Meter:
    """One kind of thing that is counted, such as `code_page`."""

    name: str
    unit: str  # "code page view": its last words are its short names, "page view" and "view"
    limits: dict[str, int]
    windows: dict[str, str]
    describe: str = ""  # dotted path of (items) -> {item: (label, title, url)}

    @property
    def short_unit(self) -> str:
        return self.unit.split(" ", 1)[-1]

    @property
    def shortest_unit(self) -> str:
        return self.unit.rsplit(" ", 1)[-1]


def get_meter(name: str) -> Meter:
    """The meter of that name; a KeyError names the ones there are."""
    meters: dict[str, Any] = settings.QUOTA_METERS
    try:
        return Meter(name=name, **meters[name])
    except KeyError:
        raise KeyError(f"No meter {name!r} in QUOTA_METERS. It has {', '.join(meters)}.") from None


def all_meters() -> list[Meter]:
    return [get_meter(name) for name in settings.QUOTA_METERS]


def count_of(number: int, unit: str, units: str = "") -> str:
    """ "1 page view", "5 page views"."""
    return f"{number:,} {unit if number == 1 else units or f'{unit}s'}"
