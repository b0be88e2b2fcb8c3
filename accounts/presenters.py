"""Rows → what the account's pages show."""

import datetime
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from accounts.addresses import is_local
from accounts.models import User
from codes.models import CodeSystem
from quotas.meters import GUEST, REGISTERED, get_meter

# The first word that is found counts: Edge and Opera also say Chrome, and Chrome also says Safari.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
MACHINES = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Macintosh": "a Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_in_words(user_agent: str) -> str:
    """ "Firefox on Windows": enough for readers to know their devices. The client wrote it, so nothing relies on it."""
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), "an unknown browser")
    machine = next((name for word, name in MACHINES.items() if word in user_agent), "")
    return f"{browser} on {machine}" if machine else browser


@dataclass(frozen=True, slots=True)
class Invitation:
    """What registering brings, said on the log-in and sign-up pages."""

    guest_limit: int
    limit: int
    window: str  # "a month", "a day" or "" (for ever)
    place: str  # where the reader will come back to: "CPT® 38570", or empty


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the account page says about its owner."""

    email: str
    member_since: datetime.datetime
    is_editor: bool
    has_password: bool


def present_invitation(next_url: str) -> Invitation:
    meter = get_meter("code_page")
    window = {"month": "a month", "day": "a day"}.get(meter.windows[REGISTERED], "")
    return Invitation(meter.limits[GUEST], meter.limits[REGISTERED], window, name_of_place(next_url))


def name_of_place(url: str) -> str:
    """What a local address shows, as far as the address itself tells: the code of a code page, or nothing."""
    if not is_local(url):
        return ""
    try:
        match = resolve(urlsplit(url).path)
    except Resolver404:
        return ""
    if match.view_name != "codes:code":
        return ""
    system = CodeSystem.objects.filter(slug=match.kwargs["system"]).first()
    return f"{system.name} {match.kwargs['code']}" if system else ""


def present_account(user: User) -> AccountPage:
    return AccountPage(user.email, user.date_joined, user.is_staff, user.has_usable_password())
