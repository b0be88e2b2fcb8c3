"""The site's own pages, and the frame around every page."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.factories import EditorFactory, UserFactory

PAGES = ["/", "/about/", "/privacy/", "/terms/", "/notices/"]


@pytest.mark.parametrize("address", PAGES)
def test_a_guest_reads_it_without_a_query_a_cookie_or_a_token(client: Client, address: str) -> None:
    """No database is allowed in this test at all: a query would fail it."""
    response = client.get(address)
    assert response.status_code == 200
    assert not response.cookies
    html = response.content.decode()
    assert "csrfmiddlewaretoken" not in html
    assert "Log in" in html
    assert "Register free" in html


@pytest.mark.parametrize("address", PAGES)
def test_only_reading_is_answered(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405


@pytest.mark.django_db
def test_an_account_finds_its_pages_in_the_header_and_no_way_into_the_editing_room(client: Client) -> None:
    client.force_login(UserFactory(email="reader@example.org"))
    html = client.get("/about/").content.decode()
    for text in ["reader@example.org", 'href="/account/"', 'href="/usage/"', "Log out"]:
        assert text in html
    assert 'href="/admin/"' not in html
    assert "Register free" not in html


@pytest.mark.django_db
def test_an_editor_finds_the_editing_room(client: Client) -> None:
    client.force_login(EditorFactory())
    assert 'href="/admin/"' in client.get("/about/").content.decode()


def test_log_in_and_register_lead_back_to_the_page(client: Client) -> None:
    html = client.get("/about/?from=here").content.decode()
    assert 'href="/accounts/login/?next=%2Fabout%2F%3Ffrom%3Dhere"' in html
    assert 'href="/accounts/signup/?next=%2Fabout%2F%3Ffrom%3Dhere"' in html


def test_an_address_cannot_write_into_the_page(client: Client) -> None:
    html = client.get('/about/?q="><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in html


def test_home_names_what_each_reader_gets_from_the_settings(client: Client, settings) -> None:
    settings.QUOTA_METERS["code_page"]["limits"] |= {"guest": 3, "registered": 11}
    try:
        html = client.get("/").content.decode()
    finally:
        settings.QUOTA_METERS["code_page"]["limits"] |= {"guest": 1, "registered": 5}
    assert '<span class="num">3</span> a month' in html
    assert '<span class="num">11</span> more a month' in html


@pytest.mark.parametrize(
    ("licensed", "words"), [([], "No CPT descriptors are shown"), (["cpt"], "under such a licence")]
)
def test_notices_say_whether_cpt_text_is_shown(client: Client, settings, licensed: list[str], words: str) -> None:
    settings.LICENSED_CODE_SYSTEMS = licensed
    assert words in client.get("/notices/").content.decode()


def test_privacy_tells_how_long_the_guest_cookie_lives(client: Client) -> None:
    assert "up to 400 days" in client.get("/privacy/").content.decode()


def test_every_page_offers_to_report_an_error_on_it(client: Client) -> None:
    assert 'href="/report/?path=%2Fterms%2F"' in client.get("/terms/").content.decode()


@pytest.mark.django_db
def test_an_unknown_address_gets_the_designed_404(client: Client) -> None:
    response = client.get("/no-such-page/")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


@pytest.mark.parametrize("template", ["500.html", "503.html", "403_csrf.html"])
def test_error_pages_need_neither_a_database_nor_a_context(template: str) -> None:
    html = render_to_string(template)
    assert "Coding Ahead" in html
    assert "{" not in html
