"""Every write of the meter. The law is told in docs/quotas.md; the hot path is `visit`, its heart is `admit`."""

import dataclasses
import datetime
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from quotas.admissions import Admission
from quotas.meters import CRAWLER, REGISTERED, UNLIMITED, Meter, get_meter
from quotas.models import Allowance, AllowanceOverride
from quotas.networks import network_digest
from quotas.readers import Reader, new_guest_key
from quotas.windows import resets_on, today, window_start

# One statement decides, records and answers. `final`: items are only added within a window, so a row that holds the
# item or is full needs no second look and nothing is written. Otherwise the upsert decides again under the row's lock
# on its newest version, and the answer is what it returns. There is no WHERE on the update: a request that lost a race
# would get no row back and answer from its stale snapshot. Needs READ COMMITTED and autocommit (quotas.E004, E005).
ADMIT = """
WITH final AS (
    SELECT opened, carried FROM quotas_allowance
    WHERE reader_key = %(reader_key)s AND meter = %(meter)s AND window_start = %(window_start)s
    AND (%(item)s = ANY(opened) OR %(item)s = ANY(carried) OR cardinality(opened) >= %(limit)s)
), written AS (
    INSERT INTO quotas_allowance AS mine (reader_key, meter, window_start, created_on, opened, carried)
    SELECT %(reader_key)s, %(meter)s, %(window_start)s, %(today)s, ARRAY[%(item)s::text], '{}'
    WHERE %(limit)s > 0 AND NOT EXISTS (SELECT FROM final)
    ON CONFLICT (reader_key, meter, window_start) DO UPDATE SET opened = CASE
        WHEN %(item)s = ANY(mine.opened) OR %(item)s = ANY(mine.carried) OR cardinality(mine.opened) >= %(limit)s
        THEN mine.opened ELSE mine.opened || %(item)s::text END
    RETURNING opened, carried
)
SELECT opened, carried, false FROM final UNION ALL SELECT opened, carried, true FROM written
"""

# Is this a crawler of a search engine? If not, may its network bring one more guest today? Nothing is written for
# crawlers and for networks that are full. No row back means: full (then and there, under the row's lock).
COUNT_GUEST = """
WITH crawler AS (
    SELECT engine FROM quotas_crawlernetwork WHERE network >>= %(address)s::inet LIMIT 1
), counted AS (
    INSERT INTO quotas_networkday AS mine (day, network, guests)
    SELECT %(day)s, %(network)s, 1
    WHERE NOT EXISTS (SELECT FROM crawler) AND NOT EXISTS (
        SELECT FROM quotas_networkday WHERE day = %(day)s AND network = %(network)s AND guests >= %(bound)s)
    ON CONFLICT (day, network) DO UPDATE SET guests = mine.guests + 1 WHERE mine.guests < %(bound)s
    RETURNING guests
)
SELECT EXISTS (SELECT FROM crawler), EXISTS (SELECT FROM counted)
"""

TAKE_BACK = """
UPDATE quotas_allowance SET opened = array_remove(opened, %(item)s::text)
WHERE reader_key = %(reader_key)s AND meter = %(meter)s AND window_start = %(window_start)s AND %(item)s = ANY(opened)
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a reader: the tier's limit and window, or the account's own."""

    tier: str
    limit: int | None  # None: unlimited
    window: str
    is_override: bool = False

    def admission(self, *, meter: Meter, allowed: bool, day: datetime.date, **more: Any) -> Admission:
        values: dict[str, Any] = {
            "tier": self.tier,
            "used": 0,
            "limit": self.limit,
            "resets_on": resets_on(self.window, day),
            "meter": meter.name,
            "window": self.window,
            "is_override": self.is_override,
        }
        return Admission(allowed=allowed, **(values | more))


@dataclass(frozen=True, slots=True)
class Opening:
    """What has to be undone if the page that was opened cannot be shown."""

    reader_key: str
    meter: str
    item: str
    window_start: datetime.date
    new_guest_on: datetime.date | None = None  # the day on which a guest without a cookie was counted
    network: str = ""


def terms_of(reader: Reader, meter: Meter, day: datetime.date) -> Terms:
    """The limit and window of a reader: staff have none, an override in force beats the tier."""
    if reader.tier == UNLIMITED:
        return Terms(UNLIMITED, None, meter.windows[REGISTERED])
    if reader.tier == REGISTERED:
        override = AllowanceOverride.objects.in_force(reader.user, meter.name, day).first()
        if override is not None:
            return Terms(REGISTERED, override.limit, override.window or meter.windows[REGISTERED], is_override=True)
    return Terms(reader.tier, meter.limits[reader.tier], meter.windows[reader.tier])


def admit(
    *,
    reader_key: str,
    meter: str,
    item: str,
    limit: int,
    window_start: datetime.date,
    tier: str = REGISTERED,
    window: str = "month",
    is_override: bool = False,
) -> Admission:
    """Open an item for a reader if the limit allows it, exactly under any concurrency.

    Repeats and refusals write nothing. The answer agrees with the ledger. `newly` may be true for two requests that race for the same item.
    """
    day = today()
    with connection.cursor() as cursor:
        cursor.execute(
            ADMIT,
            {
                "reader_key": reader_key,
                "meter": meter,
                "item": item,
                "limit": limit,
                "window_start": window_start,
                "today": day,
            },
        )
        opened, carried, was_written = cursor.fetchone() or ((), (), False)
    return Admission(
        allowed=item in opened or item in carried,
        tier=tier,
        used=len(opened),
        limit=limit,
        resets_on=resets_on(window, window_start),
        opened=(*carried, *opened),
        meter=meter,
        window=window,
        is_override=is_override,
        newly=was_written and item in opened,
    )


def peek(*, reader: Reader, meter: Meter, allowed: bool) -> Admission:
    """What is left for a reader, without counting anything; no query for a guest without a valid cookie."""
    day = today()
    terms = terms_of(reader, meter, day)
    if reader.key is None or terms.limit is None:
        return terms.admission(meter=meter, allowed=allowed, day=day)
    row = Allowance.objects.of(reader.key, meter.name, window_start(terms.window, day)).first()
    opened, carried = (row.opened, row.carried) if row else ([], [])
    return terms.admission(meter=meter, allowed=allowed, day=day, used=len(opened), opened=(*carried, *opened))


def visit(
    *, reader: Reader, client_address: str, meter_name: str, item: str, costs_view: bool
) -> tuple[Admission, Opening | None]:
    """Meter one look at one item. The opening is there only if this look was counted, for `take_back`."""
    meter = get_meter(meter_name)
    if not costs_view or reader.tier == UNLIMITED:
        return peek(reader=reader, meter=meter, allowed=True), None
    day = today()
    terms = terms_of(reader, meter, day)
    if terms.limit is None:
        return terms.admission(meter=meter, allowed=True, day=day), None
    start = window_start(terms.window, day)
    key, new_guest_on, network = reader.key, None, ""
    if key is None:
        if terms.limit == 0:
            return terms.admission(meter=meter, allowed=False, day=day), None
        network = network_digest(client_address, day)
        is_crawler, is_counted = count_guest(address=client_address, network=network, day=day)
        if is_crawler:
            crawler = dataclasses.replace(terms, tier=CRAWLER)
            return crawler.admission(meter=meter, allowed=True, day=day), None
        if not is_counted:
            return terms.admission(meter=meter, allowed=False, day=day, network_full=True), None
        key, new_guest_on = new_guest_key(), day
    admission = admit(
        reader_key=key,
        meter=meter.name,
        item=item,
        limit=terms.limit,
        window_start=start,
        tier=terms.tier,
        window=terms.window,
        is_override=terms.is_override,
    )
    if not admission.newly:
        return admission, None
    return admission, Opening(key, meter.name, item, start, new_guest_on, network)


def count_guest(*, address: str, network: str, day: datetime.date) -> tuple[bool, bool]:
    """Whether the address is a crawler's; else whether its network could bring one more new guest today."""
    values = {"address": address, "network": network, "day": day, "bound": settings.QUOTA_GUESTS_PER_NETWORK}
    with connection.cursor() as cursor:
        cursor.execute(COUNT_GUEST, values)
        is_crawler, is_counted = cursor.fetchone()
    return is_crawler, is_counted


def take_back(opening: Opening) -> None:
    """Undo an opening whose page could not be shown. A guest who would have been new leaves no trace."""
    with connection.cursor() as cursor:
        if opening.new_guest_on is None:
            cursor.execute(TAKE_BACK, dataclasses.asdict(opening))
        else:
            Allowance.objects.of(opening.reader_key, opening.meter, opening.window_start).delete()
            cursor.execute(
                "UPDATE quotas_networkday SET guests = guests - 1 WHERE day = %s AND network = %s AND guests > 0",
                [opening.new_guest_on, opening.network],
            )
