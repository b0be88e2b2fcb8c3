"""What the site's own pages say about code pages and their limits; nothing here reads the database."""

from dataclasses import dataclass

from codes.models import LOCKED_KINDS
from codes.presenters import TEASERS
from quotas.admissions import WINDOW_WORDS
from quotas.meters import GUEST, REGISTERED, count_of, get_meter


@dataclass(frozen=True, slots=True)
class SectionLine:
    """The name of a section, and one line on what it holds."""

    title: str
    teaser: str


def present_sections() -> list[SectionLine]:
    return [SectionLine(kind.label, TEASERS[kind]) for kind in LOCKED_KINDS]


def present_allowances() -> dict[str, object]:
    """What a guest and a free account may open, in words that follow the settings."""
    meter = get_meter("code_page")
    return {
        "guest_limit": meter.limits[GUEST],
        "guest_text": count_of(meter.limits[GUEST], meter.short_unit.replace(" view", "")),
        "guest_window": WINDOW_WORDS[meter.windows[GUEST]],
        "account_limit": meter.limits[REGISTERED],
        "account_window": WINDOW_WORDS[meter.windows[REGISTERED]],
    }
