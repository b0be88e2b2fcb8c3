"""Which addresses an account may be registered with, and which addresses of this site a reader may be sent to."""

from disposable_email_domains import blocklist
from django.utils.http import url_has_allowed_host_and_scheme

LONGEST_PATH = 2000


def is_disposable(address: str) -> bool:
    """Whether the mailbox belongs to a service for throw-away addresses, or to a subdomain of one."""
    labels = address.rpartition("@")[2].lower().strip(".").split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))


def is_local(url: str) -> bool:
    """Whether a redirect to `url` stays on this site: a path from its root, plainly written.

    Stricter than browsers are: they read `/\\evil.example` and `/<tab>/evil.example` as another host's address.
    """
    return (
        len(url) <= LONGEST_PATH
        and url.startswith("/")
        and "\\" not in url
        and url.isprintable()
        and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    )
