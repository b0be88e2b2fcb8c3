"""Every write of the meter. The law is told in docs/quotas.md; the hot path is `visit`, its heart is `admit`."""

import dataclasses
import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from quotas.admissions import Admission
from quotas.emails import address_digests, normalise_email
from quotas.meters import CRAWLER, GUEST, REGISTERED, UNLIMITED, Meter, all_meters, get_meter
from quotas.models import (
    Allowance,
    AllowanceOverride,
    CrawlerNetwork,
    DeletedAllowance,
    MoreRequest,
    NetworkDay,
)
from quotas.networks import network_digest
from quotas.readers import Reader, account_key, account_reader, new_guest_key
from quotas.windows import EVER, resets_on, today, window_start

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

# A guest without a cookie. Is this a crawler of a search engine? If not, may its network bring one more guest today?
# Nothing is written for crawlers and for networks that are full; no row in `counted` means full, then and there, under
# the row's lock. A guest who is counted opens the item under a key that is new, so it can neither conflict nor be full:
# one statement, one commit.
ADMIT_NEWCOMER = """
WITH crawler AS (
    SELECT engine FROM quotas_crawlernetwork WHERE network >>= %(address)s::inet LIMIT 1
), counted AS (
    INSERT INTO quotas_networkday AS mine (day, network, guests)
    SELECT %(day)s::date, %(network)s::text, 1
    WHERE NOT EXISTS (SELECT FROM crawler) AND NOT EXISTS (
        SELECT FROM quotas_networkday
        WHERE day = %(day)s::date AND network = %(network)s::text AND guests >= %(bound)s::int
    )
    ON CONFLICT (day, network) DO UPDATE SET guests = mine.guests + 1 WHERE mine.guests < %(bound)s::int
    RETURNING guests
), opened AS (
    INSERT INTO quotas_allowance (reader_key, meter, window_start, created_on, opened, carried)
    SELECT %(reader_key)s, %(meter)s, %(window_start)s::date, %(day)s::date, ARRAY[%(item)s::text], '{}' FROM counted
    RETURNING id
)
SELECT EXISTS (SELECT FROM crawler), EXISTS (SELECT FROM opened)
"""

# What an address remembers joins what the account has opened; nothing twice.
RESTORE = """
INSERT INTO quotas_allowance AS mine (reader_key, meter, window_start, created_on, opened, carried)
VALUES (%(reader_key)s, %(meter)s, %(window_start)s, %(today)s, %(opened)s::text[], %(carried)s::text[])
ON CONFLICT (reader_key, meter, window_start) DO UPDATE SET
    opened = mine.opened || ARRAY(SELECT item FROM unnest(excluded.opened) item WHERE item <> ALL (mine.opened)),
    carried = mine.carried || ARRAY(
        SELECT item FROM unnest(excluded.carried) item WHERE item <> ALL (mine.carried || mine.opened))
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

    Repeats and refusals write nothing. The answer agrees with the ledger. `newly` may be true for two requests that
    race for the same item.
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
        carried=tuple(carried),
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
    if row is None:
        return terms.admission(meter=meter, allowed=allowed, day=day)
    return terms.admission(
        meter=meter,
        allowed=allowed,
        day=day,
        used=len(row.opened),
        opened=(*row.carried, *row.opened),
        carried=tuple(row.carried),
    )


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
    if reader.key is None:
        return visit_of_newcomer(meter=meter, terms=terms, item=item, client_address=client_address, day=day)
    admission = admit(
        reader_key=reader.key,
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
    return admission, Opening(reader.key, meter.name, item, start)


def visit_of_newcomer(
    *, meter: Meter, terms: Terms, item: str, client_address: str, day: datetime.date
) -> tuple[Admission, Opening | None]:
    """The first look of a guest without a valid cookie: a crawler, one guest more, or one too many of its network."""
    if terms.limit == 0:
        return terms.admission(meter=meter, allowed=False, day=day), None
    opening = Opening(
        reader_key=new_guest_key(),
        meter=meter.name,
        item=item,
        window_start=window_start(terms.window, day),
        new_guest_on=day,
        network=network_digest(client_address, day),
    )
    is_crawler, is_opened = admit_newcomer(opening, address=client_address, day=day)
    if is_crawler:
        crawler = dataclasses.replace(terms, tier=CRAWLER)
        return crawler.admission(meter=meter, allowed=True, day=day), None
    if not is_opened:
        return terms.admission(meter=meter, allowed=False, day=day, network_full=True), None
    return terms.admission(meter=meter, allowed=True, day=day, used=1, opened=(item,), newly=True), opening


def admit_newcomer(opening: Opening, *, address: str, day: datetime.date) -> tuple[bool, bool]:
    """Whether the address is a crawler's; else whether its network could bring one more guest, who then has opened."""
    with connection.cursor() as cursor:
        cursor.execute(
            ADMIT_NEWCOMER,
            {
                "address": address,
                "network": opening.network,
                "day": day,
                "bound": settings.QUOTA_GUESTS_PER_NETWORK,
                "reader_key": opening.reader_key,
                "meter": opening.meter,
                "window_start": opening.window_start,
                "item": opening.item,
            },
        )
        is_crawler, is_opened = cursor.fetchone()
    return is_crawler, is_opened


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


# --- Accounts come and go ---------------------------------------------------------------------------------------


def start_account(*, user: Any, guest_key: str | None) -> None:
    """Call once, when an account is created. An address that an account left in this window gets its openings back;
    otherwise what the guest at this browser opened moves over."""
    with transaction.atomic():
        restore_openings(user=user)
        carry_over(guest_key=guest_key, user=user)


def carry_over(*, guest_key: str | None, user: Any) -> None:
    """What a guest opened stays open for the account and does not count; once, and at most the guest limit.

    The guest's own row stays as it is: a sign-up that is never verified must not refill the guest.
    """
    if guest_key is None:
        return
    day = today()
    for meter in all_meters():
        start = window_start(meter.windows[GUEST], day)
        guest = Allowance.objects.of(guest_key, meter.name, start).first()
        items = guest.opened[: meter.limits[GUEST]] if guest else []
        if items:
            row = Allowance(
                reader_key=account_key(user),
                meter=meter.name,
                window_start=window_start(meter.windows[REGISTERED], day),
                created_on=day,
                carried=items,
            )
            Allowance.objects.bulk_create([row], ignore_conflicts=True)  # a row that is there stays as it is


def move_account(*, user: Any, left: str) -> None:
    """Call when an account has got another address. The mailbox that it left remembers what was opened, and what the
    new one remembers is opened: moving, deleting and registering in turns brings no more than one allowance a mailbox.
    """
    if normalise_email(left) == normalise_email(user.email):
        return
    with transaction.atomic():
        remember_openings(user=user, address=left)
        restore_openings(user=user)


def remember_openings(*, user: Any, address: str) -> None:
    """Keep what an account opened under an HMAC of an address that it leaves, until the window ends."""
    day = today()
    for meter in all_meters():
        window = meter.windows[REGISTERED]
        own = terms_of(account_reader(user), meter, day).window  # an override's may be another one
        starts = {window_start(window, day), window_start(own, day)}
        rows = Allowance.objects.of_reader(account_key(user)).in_windows(meter.name, starts)
        if not rows:
            continue
        DeletedAllowance.objects.update_or_create(
            address_digest=address_digests(address)[0],
            meter=meter.name,
            window_start=window_start(window, day),
            defaults={
                "expires_on": resets_on(window, day),
                "opened": list(dict.fromkeys(item for row in rows for item in row.opened)),
                "carried": list(dict.fromkeys(item for row in rows for item in row.carried)),
            },
        )


def restore_openings(*, user: Any) -> None:
    """Give an account the openings of the accounts that left its address in this window."""
    day = today()
    for meter in all_meters():
        start = window_start(meter.windows[REGISTERED], day)
        for kept in DeletedAllowance.objects.of_address(user.email, meter.name, start):
            values: dict[str, Any] = {
                "reader_key": account_key(user),
                "meter": meter.name,
                "window_start": start,
                "today": day,
                "opened": kept.opened,
                "carried": kept.carried,
            }
            with connection.cursor() as cursor:
                cursor.execute(RESTORE, values)


def forget_reader(*, user: Any) -> None:
    """Erase all that is kept about an account; what it opened in this window is remembered without its name."""
    with transaction.atomic():
        remember_openings(user=user, address=user.email)
        Allowance.objects.of_reader(account_key(user)).delete()
        MoreRequest.objects.filter(user=user).delete()
        AllowanceOverride.objects.filter(user=user).delete()


def export_reader(*, user: Any) -> dict[str, Any]:
    """All that is kept about an account, for its data export."""
    return {
        "openings": list(
            Allowance.objects.of_reader(account_key(user)).values("meter", "window_start", "opened", "carried")
        ),
        "overrides": list(
            AllowanceOverride.objects.filter(user=user).values(
                "meter", "limit", "window", "reason", "created_at", "ends_on"
            )
        ),
        "requests_for_more": list(
            MoreRequest.objects.filter(user=user).values("meter", "message", "created_at", "decision", "decided_at")
        ),
    }


# --- Overrides and requests for more ----------------------------------------------------------------------------

MORE_REQUESTS = 3  # an account may send that many
MORE_REQUESTS_DAYS = 30  # in that many days


class CannotAsk(Exception):
    """A request for more is refused; the sentence says why, for the account."""


class AlreadyDecided(Exception):
    """Another editor was quicker."""


def grant(
    *,
    user: Any,
    meter: str,
    limit: int | None,
    reason: str,
    author: Any,
    window: str = "",
    ends_on: datetime.date | None = None,
) -> AllowanceOverride:
    """Give one account a limit of its own; None is unlimited."""
    return AllowanceOverride.objects.create(
        user=user, meter=meter, limit=limit, window=window, reason=reason, author=author, ends_on=ends_on
    )


def ask_for_more(*, user: Any, meter: str, message: str) -> MoreRequest:
    """Put an account's wish before the editors: one open wish at a time, and not more than a few a month."""
    asked = MoreRequest.objects.of_account(user, meter)
    if asked.filter(created_at__gte=timezone.now() - datetime.timedelta(days=MORE_REQUESTS_DAYS)).count() >= (
        MORE_REQUESTS
    ):
        raise CannotAsk(
            f"You have asked {MORE_REQUESTS} times in {MORE_REQUESTS_DAYS} days. Please write to us instead."
        )
    try:
        with transaction.atomic():
            return MoreRequest.objects.create(user=user, meter=meter, message=message)
    except IntegrityError:
        raise CannotAsk("Your last request is still waiting for an editor.") from None


@transaction.atomic
def grant_request(*, request: MoreRequest, limit: int, author: Any, reason: str = "") -> AllowanceOverride:
    """Answer a wish with an override, and mail the account."""
    request = undecided(request)
    override = grant(
        user=request.user,
        meter=request.meter,
        limit=limit,
        reason=reason or f"Asked for more: {request.message}",
        author=author,
    )
    decide(request, MoreRequest.Decision.GRANTED, author, override)
    return override


@transaction.atomic
def decline_request(*, request: MoreRequest, author: Any) -> None:
    """Answer a wish with no, and mail the account."""
    decide(undecided(request), MoreRequest.Decision.DECLINED, author, None)


def undecided(request: MoreRequest) -> MoreRequest:
    """The request, locked, if nobody has decided it yet."""
    found = MoreRequest.objects.select_for_update(of=("self",)).select_related("user").undecided().filter(pk=request.pk)
    try:
        return found.get()
    except MoreRequest.DoesNotExist:
        raise AlreadyDecided(f"{request} was decided already.") from None


def decide(request: MoreRequest, decision: str, author: Any, override: AllowanceOverride | None) -> None:
    request.decision = decision
    request.decided_at = timezone.now()
    request.decided_by = author
    request.override = override
    request.save(update_fields=["decision", "decided_at", "decided_by", "override"])
    meter = get_meter(request.meter)
    values = {"meter": meter, "override": override, "SITE_NAME": settings.SITE_NAME, "SITE_URL": settings.SITE_URL}
    text = render_to_string(f"quotas/mail/{decision}.txt", values)
    subject = f"Your request for more {meter.unit}s"
    # After the commit, and a mail server that is down does not undo the decision: it is on the usage page too.
    transaction.on_commit(lambda: send_mail(subject, text, None, [request.user.email]), robust=True)


# --- Housekeeping -----------------------------------------------------------------------------------------------

# One batch of the walk along the primary key. It needs no index on window_start, which every opening would pay for.
PURGE = """
WITH batch AS (
    SELECT id FROM quotas_allowance WHERE id > %(after)s ORDER BY id LIMIT %(size)s
), gone AS (
    DELETE FROM quotas_allowance a USING batch WHERE a.id = batch.id AND (
        (a.window_start <> %(ever)s AND a.window_start < %(started_before)s)
        OR (a.window_start = %(ever)s AND a.reader_key LIKE 'g:%%' AND a.created_on < %(cookies_expired)s))
    RETURNING 1
)
SELECT (SELECT max(id) FROM batch), (SELECT count(*) FROM gone)
"""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind went."""

    allowances: int
    networks: int
    memories: int


def purge(*, batch_size: int = 10_000) -> Purged:
    """Delete windows that are over, a batch at a time, each in its own short transaction.

    Last month goes on the 2nd, so that a request that began before midnight still meets its row.
    """
    day = today()
    values: dict[str, Any] = {
        "after": 0,
        "size": batch_size,
        "ever": EVER,
        "started_before": (day - datetime.timedelta(days=1)).replace(day=1),
        "cookies_expired": day - settings.QUOTA_GUEST_COOKIE_AGE,
    }
    allowances = 0
    with connection.cursor() as cursor:
        while values["after"] is not None:
            cursor.execute(PURGE, values)
            values["after"], gone = cursor.fetchone() or (None, 0)
            allowances += gone
    networks, _ = NetworkDay.objects.filter(day__lt=day).delete()
    deleted, _ = DeletedAllowance.objects.filter(expires_on__lte=day).delete()
    return Purged(allowances, networks, deleted)


@transaction.atomic
def replace_crawler_networks(*, engine: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> int:
    """Put a search engine's own list in place of what was known of it; returns how many networks there are."""
    rows = [CrawlerNetwork(engine=engine, network=str(network)) for network in sorted(set(networks), key=str)]
    CrawlerNetwork.objects.filter(engine=engine).delete()
    CrawlerNetwork.objects.bulk_create(rows)
    return len(rows)
