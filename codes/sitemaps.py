"""The sitemap: an index of pages of 10,000 addresses, so that 100,000 codes stay quick to list.

All addresses begin with SITE_URL: Django's own views would take scheme and host from the request.
"""

import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import x_robots_tag
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from codes.models import Code, CodeSystem, Heading, Section


class SiteSitemap(Sitemap):  # type: ignore[type-arg]
    limit = 10_000

    def get_protocol(self, protocol: str | None = None) -> str:
        return str(urlsplit(settings.SITE_URL).scheme)

    def get_domain(self, site: object = None) -> str:
        return str(urlsplit(settings.SITE_URL).netloc)


class CodeSitemap(SiteSitemap):
    """Every code page; a change of the open part is its last modification."""

    def items(self) -> QuerySet[Code]:
        return Code.objects.for_sitemap()

    def lastmod(self, item: Code) -> datetime.datetime | None:
        return item.description_updated_at

    def get_latest_lastmod(self) -> datetime.datetime | None:
        """In one query; Django's own would read every code."""
        latest: datetime.datetime | None = Section.objects.open().aggregate(latest=Max("updated_at"))["latest"]
        return latest


class BrowseSitemap(SiteSitemap):
    """The table of contents and the pages of the site itself."""

    def items(self) -> list[str]:
        pages = [reverse(name) for name in ("home", "codes:systems", "releases:board", "about")]
        systems = [system.get_absolute_url() for system in CodeSystem.objects.all()]
        headings = [heading.get_absolute_url() for heading in Heading.objects.select_related("system")]
        return pages + systems + headings

    def location(self, item: str) -> str:
        return item


SITEMAPS: dict[str, type[SiteSitemap]] = {"pages": BrowseSitemap, "codes": CodeSitemap}


@require_safe
@x_robots_tag
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """Every page of every sitemap."""
    pages = []
    for section, sitemap in SITEMAPS.items():
        site = sitemap()
        address, changed = settings.SITE_URL + reverse("codes:sitemap", args=[section]), site.get_latest_lastmod()
        for number in site.paginator.page_range:
            pages.append({"location": address if number == 1 else f"{address}?p={number}", "last_mod": changed})
    return render(request, "sitemap_index.xml", {"sitemaps": pages}, content_type="application/xml")
