"""What can be misconfigured about the site as a whole, in words."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.http.request import validate_host


@register("site", deploy=True)
def check_site_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Canonical links, the sitemap and every mail begin with it; nothing else would show that it is wrong."""
    url = urlsplit(settings.SITE_URL)
    if url.scheme == "https" and validate_host(url.netloc.partition(":")[0], settings.ALLOWED_HOSTS) and not url.path:
        return []
    return [
        Warning(
            f"SITE_URL is {settings.SITE_URL!r}, which is not where this site answers.",
            hint="Set it to https:// and one of ALLOWED_HOSTS, without a path: https://codingahead.example",
            id="codingahead.W001",
        )
    ]
