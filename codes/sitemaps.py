"""The sitemap: an index of pages of 10,000 addresses, so that 100,000 codes stay quick to list."""

import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.urls import reverse

from codes.models import Code, CodeSystem, Heading


class CodeSitemap(Sitemap):  # type: ignore[type-arg]
    """Every code page; a change of the open part is its last modification."""

    limit = 10_000

    def items(self) -> QuerySet[Code]:
        return Code.objects.for_sitemap()

    def lastmod(self, item: Code) -> datetime.datetime | None:
        return item.description_updated_at


class BrowseSitemap(Sitemap):  # type: ignore[type-arg]
    """The table of contents and the pages of the site itself."""

    limit = 10_000

    def items(self) -> list[str]:
        pages = [reverse(name) for name in ("home", "codes:systems", "about")]
        systems = [system.get_absolute_url() for system in CodeSystem.objects.all()]
        headings = [heading.get_absolute_url() for heading in Heading.objects.select_related("system")]
        return pages + systems + headings

    def location(self, item: str) -> str:
        return item


SITEMAPS = {"pages": BrowseSitemap, "codes": CodeSitemap}
