"""What can be misconfigured about metering, told at the start instead of found in production.

E001 guest limit above the limit of registered readers · E002 unknown window · E003 limit that is no count ·
E004 ATOMIC_REQUESTS · E005 isolation level · E006 QuotaMiddleware missing or not last · E007 ClientAddressMiddleware
missing or too late · E008 no bound on guests per network · E009 allauth counts other proxies · E010 a tier is missing ·
W001 sign-up limit not above the guests of a network · W002 no trusted proxy count in production · W003 a cache that
each process keeps for itself in production · W004 a meter's description cannot be imported.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connections
from django.utils.module_loading import import_string

from quotas.meters import GUEST, REGISTERED
from quotas.windows import WINDOWS

QUOTA = "quotas.middleware.QuotaMiddleware"
ADDRESS = "quotas.middleware.ClientAddressMiddleware"
PER_PROCESS_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")
RATE_PERIODS = {"s": 86_400, "m": 1_440, "h": 24, "d": 1}  # how many of them are in a day


@register("quotas")
def check_meters(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [message for name, meter in settings.QUOTA_METERS.items() for message in messages_about(name, meter)]


def messages_about(name: str, meter: dict[str, Any]) -> Iterator[CheckMessage]:
    limits, windows = meter.get("limits", {}), meter.get("windows", {})
    for tier in (GUEST, REGISTERED):
        if tier not in limits or tier not in windows:
            yield Error(f"{name}: the tier {tier!r} needs a limit and a window.", id="quotas.E010")
            continue
        if not isinstance(limits[tier], int) or limits[tier] < 0:
            yield Error(f"{name}: the {tier} limit is {limits[tier]!r}, not a count.", id="quotas.E003")
        if windows[tier] not in WINDOWS:
            yield Error(
                f"{name}: {windows[tier]!r} is no window.", hint=f"Use one of {', '.join(WINDOWS)}.", id="quotas.E002"
            )
    both_are_counts = all(isinstance(limits.get(tier), int) for tier in (GUEST, REGISTERED))
    if both_are_counts and limits[GUEST] > limits[REGISTERED]:
        yield Error(
            f"{name}: the guest limit ({limits[GUEST]}) exceeds the account limit ({limits[REGISTERED]}).",
            hint="Registering must never take something away.",
            id="quotas.E001",
        )
    if meter.get("describe"):
        try:
            import_string(meter["describe"])
        except ImportError as error:
            yield Warning(f"{name}: {error}", hint="The usage page needs it to name what was opened.", id="quotas.W004")


@register("quotas")
def check_database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    database = connections["default"].settings_dict
    if database.get("ATOMIC_REQUESTS"):
        found.append(
            Error(
                "ATOMIC_REQUESTS is on.",
                hint="Counting must be committed before the page is shown, and its row lock held for no longer.",
                id="quotas.E004",
            )
        )
    # psycopg's IsolationLevel: READ_COMMITTED is 2; not set is PostgreSQL's default, which is the same.
    if database.get("OPTIONS", {}).get("isolation_level") not in (None, 2):
        found.append(
            Error(
                "The database's isolation level is not READ COMMITTED.",
                hint="At higher levels a race between a reader's requests ends in an error instead of an answer.",
                id="quotas.E005",
            )
        )
    return found


@register("quotas")
def check_middleware(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    middleware = list(settings.MIDDLEWARE)
    if not middleware or middleware[-1] != QUOTA:
        found.append(
            Error(f"{QUOTA} is not the last middleware.", hint="It counts what is really shown.", id="quotas.E006")
        )
    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    before_sessions = middleware[: middleware.index(sessions)] if sessions in middleware else middleware
    if ADDRESS not in before_sessions:
        found.append(
            Error(
                f"{ADDRESS} is missing, or comes after the sessions.",
                hint="Put it right after SecurityMiddleware: what follows relies on the client's address.",
                id="quotas.E007",
            )
        )
    return found


@register("quotas")
def check_networks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    guests = settings.QUOTA_GUESTS_PER_NETWORK
    if not isinstance(guests, int) or guests < 1:
        found.append(Error(f"QUOTA_GUESTS_PER_NETWORK is {guests!r}, not a count above 0.", id="quotas.E008"))
    elif (signups := signups_a_day()) is not None and signups <= guests:
        found.append(
            Warning(
                f"One address may sign up {signups} times a day, its network may bring {guests} guests.",
                hint="Keep the sign-up limit above QUOTA_GUESTS_PER_NETWORK, or a hospital is locked out.",
                id="quotas.W001",
            )
        )
    if getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0) != settings.TRUSTED_PROXY_COUNT:
        found.append(
            Error(
                "ALLAUTH_TRUSTED_PROXY_COUNT is not TRUSTED_PROXY_COUNT.",
                hint="Rate limits and guest bounds must see the same client address.",
                id="quotas.E009",
            )
        )
    return found


def signups_a_day() -> int | None:
    """The smallest number of sign-ups a day that allauth's rates let one address make over days; None: unlimited."""
    rates = str(settings.ACCOUNT_RATE_LIMITS.get("signup", "") or "")
    a_day = []
    for rate in filter(None, rates.split(",")):
        amount, period, *per = rate.strip().split("/")
        if "ip" in per or not per:
            a_day.append(int(amount) * RATE_PERIODS[period[-1]] // int(period[:-1] or 1))
    return min(a_day, default=None)


@register("quotas", deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.TRUSTED_PROXY_COUNT:
        found.append(
            Warning(
                "No trusted proxy count in production.",
                hint="Set TRUSTED_PROXY_COUNT to the number of your own proxies. Without it all readers behind one "
                "share its address. If the site really stands alone, silence quotas.W002.",
                id="quotas.W002",
            )
        )
    if str(settings.CACHES["default"]["BACKEND"]).endswith(PER_PROCESS_CACHES):
        found.append(
            Warning(
                "The default cache is not shared by all workers.",
                hint="Rate limits that each process counts for itself are no limits. Use the database cache.",
                id="quotas.W003",
            )
        )
    return found
