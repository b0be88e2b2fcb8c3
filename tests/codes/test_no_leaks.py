"""No locked or licensed text reaches a guest by any door: a canary sits in every locked place, and every public address
is searched for it.
"""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from codes.models import LOCKED_KINDS, Section
from tests.factories import (
    CodeFactory,
    CodeSystemFactory,
    DescriptorFactory,
    EditionFactory,
    EntryFactory,
    ErrorReportFactory,
    HcpcsRecordFactory,
    HeadingFactory,
    SectionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LOCKED = "canarylocked"
LICENSED = "canarylicensed"
DRAFT = "canarydraft"


@pytest.fixture
def planted() -> None:
    """Two codes with a canary in every place that a guest may not see."""
    for system, code in [("cpt", "38570"), ("cpt", "38571"), ("hcpcs", "G0105")]:
        heading = HeadingFactory(system=CodeSystemFactory(slug=system), slug=f"heading-of-{system}")
        row = CodeFactory(system=CodeSystemFactory(slug=system), code=code, heading=heading)
        EntryFactory(code=row, title="Lymph node biopsy")
        SectionFactory(code=row, kind=Section.Kind.DESCRIPTION, text="Open", html="<p>Open</p>")
        for kind in LOCKED_KINDS:
            SectionFactory(code=row, kind=kind, text=f"{LOCKED} {kind}", html=f"<p>{LOCKED} {kind}</p>")
        ErrorReportFactory(code=row, message=LOCKED, email=f"{LOCKED}@example.com")
    undescribed = CodeFactory(code="99999", heading=HeadingFactory(slug="heading-of-cpt"))
    DescriptorFactory(code=undescribed, long=f"{LICENSED} long", medium=LICENSED, short=LICENSED)
    HcpcsRecordFactory(code=row, statute=LOCKED[:10], edition=EditionFactory())
    draft = CodeFactory(code="99998", heading=HeadingFactory(slug="heading-of-cpt"))
    SectionFactory(code=draft, status=Section.Status.DRAFT, text=DRAFT, html=f"<p>{DRAFT}</p>")


def public_addresses() -> set[str]:
    """Every address of the site that takes no argument, and those of the planted rows."""
    found = set()

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                if pattern.app_name != "admin":
                    walk(pattern.url_patterns, route)
            elif "<" not in route and "(" not in route:
                found.add("/" + route.replace("^", "").replace("$", ""))

    walk(get_resolver().url_patterns, "")
    return found | {
        *("/cpt/38570/", "/cpt/38571/", "/cpt/99999/", "/cpt/99998/", "/hcpcs/g0105/", "/cpt/38579/"),
        *("/cpt/38570/?on=2020-01-01", "/cpt/38570/?preview=1", "/cpt/38570/?all=1"),
        *("/codes/cpt/", "/codes/hcpcs/", "/codes/cpt/heading-of-cpt/?all=1", "/codes/hcpcs/heading-of-hcpcs/"),
        *("/sitemap-codes.xml", "/sitemap-pages.xml", "/report/?path=/cpt/38570/"),
        *(f"/lookup/?q={word}" for word in ("lymph", "385", LOCKED, LICENSED, DRAFT, "cana", "G01")),
        reverse("account_signup") + "?next=/cpt/38570/",
        reverse("account_login") + "?next=/cpt/38570/",
    }


@pytest.mark.usefixtures("planted")
def test_no_public_address_shows_a_guest_what_is_locked_licensed_or_a_draft():
    addresses = public_addresses()
    assert len(addresses) > 40
    for address in sorted(addresses):
        response = Client().get(address)
        assert response.status_code < 500, address
        body = b"".join(response) if response.streaming else response.content
        everything = (body + str(response.headers).encode()).lower()
        for canary in (LOCKED, LICENSED, DRAFT):
            asked_for = canary in address
            assert canary.encode() not in everything or (asked_for and b"/cpt/99" not in everything), (address, canary)


@pytest.mark.usefixtures("planted")
def test_the_wall_shows_neither_descriptor_nor_description():
    client = Client()
    client.get("/cpt/38570/")
    response = client.get("/cpt/38571/")
    assert response.status_code == 403
    html = response.content.decode()
    for hidden in (LOCKED, "Sample wording of 38571", "<p>Open</p>"):
        assert hidden not in html
    assert "Lymph node biopsy" in html
    assert response["X-Robots-Tag"] == "noindex, noarchive"


def test_the_wall_of_a_code_without_a_plain_title_shows_no_official_text_instead():
    for code in ["G0105", "G0121"]:
        row = CodeFactory(system=CodeSystemFactory(slug="hcpcs"), code=code)
        DescriptorFactory(code=row, long="Words of the publisher")
        SectionFactory(code=row, kind=Section.Kind.DESCRIPTION)
    client = Client()
    assert "Words of the publisher" in client.get("/hcpcs/g0105/").content.decode()
    response = client.get("/hcpcs/g0121/")
    assert response.status_code == 403
    open_still, _, rest = response.content.decode().partition("What the page of G0121 holds")
    assert "<title>HCPCS G0121 · Coding Ahead</title>" in open_still
    assert "Words of the publisher" not in open_still.partition("Still open to you")[0] + rest


@pytest.mark.usefixtures("planted")
def test_an_account_at_its_limit_reads_nothing_of_the_next_code(client, settings):
    client.force_login(UserFactory())
    settings.QUOTA_METERS = {
        "code_page": settings.QUOTA_METERS["code_page"] | {"limits": {"guest": 1, "registered": 1}}
    }
    assert LOCKED in client.get("/cpt/38570/").content.decode()
    response = client.get("/cpt/38571/")
    assert response.status_code == 403
    assert LOCKED not in response.content.decode()
