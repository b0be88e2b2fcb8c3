"""The files in which search engines publish the networks of their crawlers.

Googlebot: https://developers.google.com/static/search/apis/ipranges/googlebot.json, Bingbot:
https://www.bing.com/toolbox/bingbot.json. Their user-triggered fetchers are people's tools, not crawlers.
"""

import ipaddress
import json
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

LARGEST_FILE = 5_000_000
WIDEST = {4: 16, 6: 32}  # a wider prefix would open the door to whole providers: refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadPrefixFile(Exception):
    """The file is not what a search engine publishes for its crawler; the sentence says why."""


def refuse_other_than_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise BadPrefixFile(f"{url}: only https addresses are fetched, since anybody on the way could change it.")


class StayOnHttps(HTTPRedirectHandler):
    """The library would follow a redirect to http, too."""

    def redirect_request(self, *args: Any) -> Request | None:
        refuse_other_than_https(args[-1])
        return super().redirect_request(*args)


OPENER = build_opener(StayOnHttps)


def read_file(place: str) -> bytes:
    """The bytes of a file, or of an https address."""
    if "://" in place:
        refuse_other_than_https(place)
        request = Request(place, headers={"User-Agent": "CodingAhead refresh_crawlers"})  # noqa: S310 - https only
        try:
            with OPENER.open(request, timeout=30) as response:
                return bytes(response.read(LARGEST_FILE + 1))
        except (HTTPException, ValueError) as error:
            raise BadPrefixFile(f"{place} could not be fetched: {error or type(error).__name__}.") from None
    with Path(place).open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def engine_of(place: str) -> str:
    """The engine that a file is named after: googlebot.json → googlebot."""
    name = Path(urlsplit(place).path).stem.lower()
    if "user-triggered" in name or "fetcher" in name:
        raise BadPrefixFile(f"{place}: user-triggered fetchers are tools of people, who are metered like everybody.")
    return name


def parse_prefixes(content: bytes, place: str) -> set[Network]:
    """The networks in `{"prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}`."""
    if len(content) > LARGEST_FILE:
        raise BadPrefixFile(f"{place}: larger than {LARGEST_FILE:,} bytes.")
    try:
        prefixes = json.loads(content)["prefixes"]
        texts = [prefix.get("ipv4Prefix") or prefix["ipv6Prefix"] for prefix in prefixes]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadPrefixFile(f'{place}: not a prefix file of the form {{"prefixes": [{{"ipv4Prefix": …}}]}}.') from None
    if not texts:
        raise BadPrefixFile(f"{place}: lists no prefix at all.")
    return {parse_network(text, place) for text in texts}


def parse_network(text: object, place: str) -> Network:
    try:
        network = ipaddress.ip_network(str(text))
    except ValueError as error:
        raise BadPrefixFile(f"{place}: {error}.") from None
    if network.prefixlen < WIDEST[network.version] or not network.is_global:
        raise BadPrefixFile(f"{place}: {network} cannot be the network of a crawler.")
    return network
