"""The one place that says from which address a request comes, and which network that is.

Proxies append the address they were asked from to `X-Forwarded-For`. Only as many values as we have proxies of our
own (TRUSTED_PROXY_COUNT) are theirs, counted from the right; whatever stands further left was written by the client.
"""

import datetime
import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


class UnknownAddress(Exception):
    """The request does not say where it comes from in the way our proxies say it."""


def client_address(request: HttpRequest) -> str:
    """The client's address in its canonical spelling, or UnknownAddress with a sentence for the client."""
    count = settings.TRUSTED_PROXY_COUNT
    if not count:
        return parse_address(request.META.get("REMOTE_ADDR", ""))
    values = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", count)[-count:]
    if len(values) < count:
        raise UnknownAddress(f"X-Forwarded-For has {len(values)} of the {count} addresses that our proxies write.")
    return parse_address(values[0])


def parse_address(value: str) -> str:
    """An IP address as proxies write it: with a port, in brackets, with a zone, or IPv4 inside IPv6."""
    text = value.strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        is_port = bool(bracket) and (not port or (port[0] == ":" and port[1:].isascii() and port[1:].isdigit()))
    elif text.count(":") == 1:  # an IPv6 address has at least two
        text, _, port = text.partition(":")
        is_port = port.isascii() and port.isdigit()
    else:
        is_port = True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        is_port = False
    if not is_port:
        raise UnknownAddress("The client address in X-Forwarded-For is not an IP address.")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def network_of(address: str) -> str:
    """What one connection usually gets: an IPv4 address, or an IPv6 /56."""
    prefix = 32 if "." in address else 56
    return str(ipaddress.ip_network((address, prefix), strict=False))


def network_digest(address: str, day: datetime.date) -> str:
    """The network of an address, unreadable without SECRET_KEY and different every day."""
    return salted_hmac(f"quotas.network.{day}", network_of(address), algorithm="sha256").hexdigest()[:32]
