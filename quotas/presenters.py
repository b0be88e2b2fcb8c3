"""Rows → what the usage page needs."""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.module_loading import import_string

from quotas.actions import peek
from quotas.admissions import Admission
from quotas.meters import REGISTERED, Meter, all_meters
from quotas.models import MoreRequest
from quotas.readers import Reader

Description = tuple[str, str, str]  # label, title, url


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item that is open for the reader."""

    label: str
    title: str
    url: str
    is_carried: bool  # opened as a guest; it did not count


@dataclass(frozen=True, slots=True)
class MeterUsage:
    """What a reader did with one meter in this window."""

    name: str
    heading: str  # "Code page views"
    admission: Admission
    resets_on: datetime.date | None
    items: list[ItemLine]
    can_ask: bool  # an account with a limit, and no request waiting
    waiting_since: datetime.datetime | None  # when the request that waits was sent


def present_usage(reader: Reader) -> list[MeterUsage]:
    return [usage_of(meter, reader) for meter in all_meters()]


def usage_of(meter: Meter, reader: Reader) -> MeterUsage:
    admission = peek(reader=reader, meter=meter, allowed=True)
    is_limited_account = reader.tier == REGISTERED and admission.limit is not None
    waiting = (
        MoreRequest.objects.of_account(reader.user, meter.name).undecided().first() if is_limited_account else None
    )
    described = describe(meter, admission.opened)
    carried = len(admission.carried)
    return MeterUsage(
        name=meter.name,
        heading=f"{meter.unit[0].upper()}{meter.unit[1:]}s",
        admission=admission,
        resets_on=admission.resets_on,
        items=[ItemLine(*described[item], index < carried) for index, item in enumerate(admission.opened)],
        can_ask=is_limited_account and waiting is None,
        waiting_since=waiting.created_at if waiting else None,
    )


def describe(meter: Meter, items: Iterable[str]) -> dict[str, Description]:
    """What the meter's owner says about its items. One that it does not know any more is shown as it is stored."""
    plain = {item: (item, "", "") for item in items}
    if not plain or not meter.describe:
        return plain
    describer: Callable[[Iterable[str]], dict[str, Description]] = import_string(meter.describe)
    return plain | describer(plain)
