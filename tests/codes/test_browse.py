"""Browsing, the look-up box, the sitemap and robots.txt."""

import datetime

import pytest
import time_machine
from django.test import Client

from codes.models import Code, ErrorReport
from tests.factories import (
    CodeFactory,
    CodeSystemFactory,
    DescriptorFactory,
    EntryFactory,
    HeadingFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db]


def test_the_systems_page_lists_every_system_with_its_codes(client):
    CodeFactory(code="38570")
    CodeFactory(code="38571", terminated_on=datetime.date(2020, 12, 31))
    html = client.get("/codes/").content.decode()
    assert '<span class="num">1</span> code in force' in html
    for name in ["CPT®", "HCPCS", "ICD-10-CM"]:
        assert name in html
    assert 'href="/codes/cpt/"' in html


def test_a_system_page_shows_its_tree_of_headings(client):
    top = HeadingFactory(slug="surgery", name="Surgery", first_code="10004", last_code="69990")
    HeadingFactory(slug="nodes", name="Lymph nodes", parent=top, first_code="38500", last_code="38999")
    html = client.get("/codes/cpt/").content.decode()
    assert html.index("Surgery") < html.index("Lymph nodes")
    assert "38500–38999" in html


@pytest.mark.parametrize("address", ["/codes/", "/codes/cpt/", "/codes/cpt/nodes/", "/cpt/38570/"])
def test_what_one_guest_wrote_into_the_address_reaches_no_other(address):
    CodeFactory(code="38570", heading=HeadingFactory(slug="nodes"), described=True)
    Client().get(address, {"word": "a-private-word"})
    assert "a-private-word" not in Client().get(address).content.decode()


def test_a_system_without_codes_says_so(client):
    assert "No codes here" in client.get("/codes/icd-10-cm/").content.decode()


def test_a_heading_lists_its_codes_in_book_order_with_titles(client):
    heading = HeadingFactory(slug="nodes")
    CodeFactory(code="38599", position="38571", heading=heading, described=True)
    CodeFactory(code="38572", heading=heading, described=True)
    html = client.get("/codes/cpt/nodes/").content.decode()
    assert html.index("Plain title of 38599") < html.index("Plain title of 38572")


@time_machine.travel("2026-11-22")
def test_codes_out_of_force_are_listed_when_asked_for(client):
    heading = HeadingFactory(slug="nodes")
    CodeFactory(code="38572", heading=heading, terminated_on=datetime.date(2020, 12, 31))
    assert "/cpt/38572/" not in client.get("/codes/cpt/nodes/").content.decode()
    html = client.get("/codes/cpt/nodes/?all=1").content.decode()
    assert "/cpt/38572/" in html
    assert "Terminated" in html


def test_a_long_heading_is_paged(client):
    heading = HeadingFactory(slug="long")
    Code.objects.bulk_create(
        Code(system=heading.system, heading=heading, code=f"{10000 + n}", position=f"{10000 + n}") for n in range(150)
    )
    assert "/cpt/10000/" in client.get("/codes/cpt/long/").content.decode()
    second = client.get("/codes/cpt/long/?page=2").content.decode()
    assert "/cpt/10149/" in second
    assert "/cpt/10000/" not in second


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "%00"])
def test_a_senseless_page_number_shows_a_page(client, number):
    HeadingFactory(slug="nodes")
    assert client.get(f"/codes/cpt/nodes/?page={number}").status_code == 200


def test_an_unknown_heading_is_not_found(client):
    assert client.get("/codes/cpt/nowhere/").status_code == 404


@pytest.mark.parametrize("codes", [1, 12])
def test_a_heading_costs_the_same_whatever_its_length(client, codes, django_assert_max_num_queries):
    heading = HeadingFactory(slug="nodes", parent=HeadingFactory(slug="top"))
    for n in range(codes):
        CodeFactory(code=f"{10000 + n}", heading=heading, described=True)
    with django_assert_max_num_queries(6):
        client.get("/codes/cpt/nodes/")


# --- Look-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["G0105", "g0105", " g0105 ", "g 0105", "HCPCS G0105", "hcpcs code g0105", "HCPCS: G0105"]
)
def test_an_exact_code_goes_straight_to_its_page(client, typed):
    CodeFactory(system=CodeSystemFactory(slug="hcpcs"), code="G0105")
    assert client.get("/lookup/", {"q": typed})["Location"] == "/hcpcs/g0105/"


@pytest.mark.parametrize("typed", ["C77.2", "c772", "c77-2"])
def test_a_diagnosis_code_is_found_with_or_without_its_dot(client, typed):
    CodeFactory(system=CodeSystemFactory(slug="icd-10-cm"), code="C77.2")
    assert client.get("/lookup/", {"q": typed})["Location"] == "/icd-10-cm/c77-2/"


def test_the_start_of_a_code_lists_what_follows(client):
    CodeFactory(code="38570", described=True)
    CodeFactory(code="99213", described=True)
    html = client.get("/lookup/", {"q": "385"}).content.decode()
    assert "/cpt/38570/" in html
    assert "/cpt/99213/" not in html


def test_words_are_found_in_plain_titles_in_any_order(client):
    EntryFactory(code=CodeFactory(code="38570"), title="Laparoscopic biopsy of lymph nodes")
    EntryFactory(code=CodeFactory(code="99213"), title="Office visit")
    html = client.get("/lookup/", {"q": "lymph biopsy"}).content.decode()
    assert "/cpt/38570/" in html
    assert "/cpt/99213/" not in html


def test_words_are_found_in_public_text_but_never_in_licensed_text(client):
    DescriptorFactory(
        code=CodeFactory(system=CodeSystemFactory(slug="hcpcs"), code="G0105"), long="Screening colonoscopy"
    )
    DescriptorFactory(code=CodeFactory(code="45378"), long="Licensed colonoscopy")
    html = client.get("/lookup/", {"q": "colonoscopy"}).content.decode()
    assert "/hcpcs/g0105/" in html
    assert "/cpt/45378/" not in html


def test_words_of_locked_or_open_sections_are_not_searched(client):
    CodeFactory(code="38570", described=True, sections=7)
    assert "/cpt/38570/" not in client.get("/lookup/", {"q": "Common Language Description of"}).content.decode()


def test_nothing_found_is_a_page_with_a_way_on(client):
    response = client.get("/lookup/", {"q": "zebra"})
    assert response.status_code == 200
    assert "zebra" in response.content.decode()


@pytest.mark.parametrize(
    "words", ["", "   ", "%", "_", "a\x00b", "x" * 5000, "' OR 1=1 --", "<script>alert(1)</script>"]
)
def test_odd_words_get_a_clear_answer(client, words):
    response = client.get("/lookup/", {"q": words})
    assert response.status_code == 200
    assert "<script>alert(1)" not in response.content.decode()


# --- Search engines ---------------------------------------------------------------------------------------------


def test_the_sitemap_index_leads_to_every_code_page(client, settings):
    CodeFactory(code="38570", described=True)
    index = client.get("/sitemap.xml").content.decode()
    assert "/sitemap-codes.xml" in index
    assert "/cpt/38570/</loc>" in client.get("/sitemap-codes.xml").content.decode()
    assert "/codes/cpt/</loc>" in client.get("/sitemap-pages.xml").content.decode()


@time_machine.travel("2026-11-22")
def test_the_sitemap_index_tells_when_a_description_last_changed_without_reading_every_code(
    client, django_assert_max_num_queries
):
    CodeFactory(code="38570", described=True)
    CodeFactory(code="38571")
    with django_assert_max_num_queries(4) as asked:
        index = client.get("/sitemap.xml").content.decode()
    assert "<loc>http://127.0.0.1:8000/sitemap-codes.xml</loc><lastmod>2026-11-22" in index
    assert not [query["sql"] for query in asked.captured_queries if '"codes_code"."code"' in query["sql"]]


def test_the_sitemap_is_paged_for_many_codes(client):
    system = CodeSystemFactory(slug="icd-10-cm")
    codes = [Code(system=system, code=f"A{n:05}", position=f"A{n:05}") for n in range(10_001)]
    Code.objects.bulk_create(codes, batch_size=1000)
    assert "/sitemap-codes.xml?p=2" in client.get("/sitemap.xml").content.decode()
    assert client.get("/sitemap-codes.xml?p=2").content.count(b"<loc>") == 1


@pytest.mark.parametrize("address", ["/sitemap-codes.xml?p=99", "/sitemap-codes.xml?p=x", "/sitemap-nothing.xml"])
def test_a_sitemap_page_that_does_not_exist_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_robots_are_told_what_to_leave_alone(client):
    response = client.get("/robots.txt")
    assert response["Content-Type"].startswith("text/plain")
    text = response.content.decode()
    for path in ["/accounts/", "/account/", "/admin/", "/usage/", "/lookup/", "/report/"]:
        assert f"Disallow: {path}" in text
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in text


# --- Reports ----------------------------------------------------------------------------------------------------


def test_a_reader_reports_an_error_and_editors_find_it(client, mailoutbox, django_capture_on_commit_callbacks):
    CodeFactory(code="38570", described=True)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/report/", {"path": "/cpt/38570/", "message": "The second sentence is wrong."})
    assert response.status_code == 200
    assert Code.objects.get(code="38570").errorreport_set.get().message == "The second sentence is wrong."
    assert len(mailoutbox) == 1


def test_a_registered_reader_is_named_on_the_report(client):
    user = UserFactory()
    client.force_login(user)
    code = CodeFactory(code="38570")
    client.post("/report/", {"path": "/cpt/38570/", "message": "Wrong."})
    assert code.errorreport_set.get().reporter == user


@pytest.mark.parametrize(
    "data",
    [
        {"path": "/cpt/38570/", "message": ""},
        {"path": "https://evil.example/", "message": "x"},
        {"path": "//evil.example/", "message": "x"},
        {"path": "/a\x00b", "message": "x"},
        {"path": "/", "message": "a\x00b"},
        {"path": "/", "message": "x" * 10_000},
        {"path": "/", "message": "x", "email": "nobody"},
        {},
    ],
)
def test_a_bad_report_is_explained(client, data):
    assert client.post("/report/", data).status_code == 400


def test_a_flood_of_reports_is_answered_kindly_and_kept_out(client):
    for number in range(5):
        assert client.post("/report/", {"path": "/about/", "message": f"Mistake {number}"}).status_code == 200
    response = client.post("/report/", {"path": "/about/", "message": "One more"})
    assert response.status_code == 429
    assert "Thank you for so many reports" in response.content.decode()
    assert "One more" in response.content.decode()  # what was written is not lost
    assert ErrorReport.objects.count() == 5


@pytest.mark.parametrize("path", ["/about/", "/no/such/page/", "/cpt/99999/", "/codes/cpt/"])
def test_a_report_about_a_page_of_no_code_is_kept_too(client, path):
    assert client.post("/report/", {"path": path, "message": "Wrong."}).status_code == 200
    assert ErrorReport.objects.get(path=path).code is None


def test_the_report_form_knows_the_page(client):
    assert 'value="/cpt/38570/"' in client.get("/report/?path=/cpt/38570/").content.decode()
    assert client.get("/report/?path=%00").status_code == 200
