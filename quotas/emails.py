"""One mailbox has many spellings; for uniqueness and for the memory of spent allowances they are one."""

import unicodedata

from django.conf import settings
from django.utils.crypto import salted_hmac

# Providers that deliver name+anything@ to name@, by each domain that is one and the same mailbox.
_TAGGING = {
    domain: domains[0]
    for domains in [
        ("gmail.com", "googlemail.com"),
        ("outlook.com",), ("hotmail.com",), ("live.com",), ("msn.com",),
        ("icloud.com", "me.com", "mac.com"),
        ("proton.me", "protonmail.com", "pm.me"),
        ("fastmail.com",), ("fastmail.fm",),
        ("zoho.com",), ("yandex.com",), ("mailbox.org",), ("posteo.de",), ("hey.com",),
    ]
    for domain in domains
}  # fmt: skip
_DOTLESS = {"gmail.com", "proton.me"}  # they also ignore dots before the @


def normalise_email(address: str) -> str:
    """The one spelling that stands for a mailbox: lower case, without +tag and dots where its provider ignores them."""
    local, _, domain = unicodedata.normalize("NFKC", address.strip()).casefold().rpartition("@")
    domain = domain.rstrip(".")
    provider = _TAGGING.get(domain)
    if provider:
        domain = provider
        local = local.partition("+")[0] or local
        if domain in _DOTLESS:
            local = local.replace(".", "") or local
    return f"{local}@{domain}"


def address_digests(address: str) -> list[str]:
    """HMACs of a mailbox, unreadable without the secret: with today's SECRET_KEY first, then with those before it."""
    return [
        salted_hmac("quotas.address", normalise_email(address), secret=secret, algorithm="sha256").hexdigest()
        for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    ]
