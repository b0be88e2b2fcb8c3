"""The code page: who sees what, in which state, and at what cost."""

import datetime
import json
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from codes.models import LOCKED_KINDS, Section
from tests.factories import (
    CodeFactory,
    CodeSystemFactory,
    DescriptorFactory,
    DescriptorOverrideFactory,
    EditionFactory,
    EditionFileFactory,
    EditorFactory,
    EntryFactory,
    HcpcsRecordFactory,
    HeadingFactory,
    SectionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client: Client) -> Client:
    """Somebody with a free account."""
    client.force_login(UserFactory())
    return client


def hcpcs(code: str, **fields):
    return CodeFactory(system=CodeSystemFactory(slug="hcpcs"), code=code, **fields)


# --- Who sees what ----------------------------------------------------------------------------------------------


def test_a_guest_reads_the_open_part_and_meets_seven_locked_sections(client):
    code = CodeFactory(code="38570", described=True, sections=7)
    html = client.get("/cpt/38570/").content.decode()
    assert "Common Language Description of 38570" in html
    assert "Sample wording of 38570" in html
    for kind in LOCKED_KINDS:
        assert kind.label in html
        assert f"The {kind.label} of 38570" not in html
    assert html.count("Register to view content") == 7
    assert code.get_absolute_url() == "/cpt/38570/"


def test_a_registered_reader_reads_all_sections(reader):
    CodeFactory(code="38570", described=True, sections=7)
    html = reader.get("/cpt/38570/").content.decode()
    for kind in LOCKED_KINDS:
        assert f"The {kind.label} of 38570" in html
    assert "Register to view content" not in html


def test_a_locked_section_leads_to_sign_up_and_back_to_itself(client):
    CodeFactory(code="38570", described=True)
    html = client.get("/cpt/38570/").content.decode()
    assert f"{reverse('account_signup')}?next=%2Fcpt%2F38570%2F%23crosswalks" in html


def test_a_draft_is_shown_to_nobody(reader):
    code = CodeFactory(code="38570", described=True)
    SectionFactory(code=code, kind=Section.Kind.NCCI, status=Section.Status.DRAFT, text="Half a thought", html="Half")
    assert "Half" not in reader.get("/cpt/38570/").content.decode()


@time_machine.travel("2026-11-22")
def test_successors_that_no_file_told_are_not_said_to_be_none(client):
    hcpcs("G0299", terminated_on=datetime.date(2019, 12, 31), successors=None)
    assert "successor" not in client.get("/hcpcs/g0299/").content.decode()


def test_an_empty_section_says_so_to_a_registered_reader(reader):
    CodeFactory(code="38570", described=True)
    html = reader.get("/cpt/38570/").content.decode()
    assert "Nothing is published here yet" in html


def test_sections_that_live_from_cms_files_say_that_these_are_not_loaded(reader):
    CodeFactory(code="38570", described=True)
    html = reader.get("/cpt/38570/").content.decode()
    assert html.count("not loaded yet") == 3


def test_an_edit_is_on_the_page_at_the_next_request(client):
    code = CodeFactory(code="38570", described=True)
    assert "Plain title of 38570" in client.get("/cpt/38570/").content.decode()
    code.entry.title = "A better title"
    code.entry.save()
    assert "A better title" in client.get("/cpt/38570/").content.decode()


def test_the_hcpcs_letters_of_payment_are_locked_like_the_rest(client):
    code = hcpcs("G0105")
    edition = EditionFactory()
    DescriptorFactory(code=code, edition=edition)
    HcpcsRecordFactory(code=code, edition=edition, coverage="D", pricing_indicators=["11"])
    words = "Special coverage instructions apply"
    assert words not in client.get("/hcpcs/g0105/").content.decode()
    client.force_login(UserFactory())
    html = client.get("/hcpcs/g0105/").content.decode()
    assert words in html
    assert "Priced with national relative value units" in html


# --- Whose text it is -------------------------------------------------------------------------------------------


def test_sample_wording_is_labelled(client):
    CodeFactory(code="38570", described=True)
    assert "Sample wording – not the official descriptor" in client.get("/cpt/38570/").content.decode()


def test_licensed_text_is_not_shown_without_a_licence(client):
    code = CodeFactory(code="38570", described=True)
    DescriptorFactory(code=code, long="Licensed words")
    html = client.get("/cpt/38570/").content.decode()
    assert "Licensed words" not in html
    assert "Sample wording of 38570" in html


def test_licensed_text_is_shown_with_its_notice_where_the_licence_is_set(client, settings):
    settings.LICENSED_CODE_SYSTEMS = ["cpt"]
    code = CodeFactory(code="38570", described=True)
    DescriptorFactory(code=code, long="Licensed words", edition=EditionFactory(label="2026"))
    html = client.get("/cpt/38570/").content.decode()
    assert "Licensed words" in html
    assert "© Copyright 2026 American Medical Association. All rights reserved." in html
    assert "Sample wording" not in html


def test_public_text_names_its_edition_and_row(client):
    file = EditionFileFactory(name="HCPC2019_CONTR_ANWEB.txt")
    DescriptorFactory(code=hcpcs("G0105"), edition=file.edition, long="Screening of the colon", line=812)
    html = client.get("/hcpcs/g0105/").content.decode()
    assert "Screening of the colon" in html
    assert "HCPCS Level II 2019" in html
    assert "HCPC2019_CONTR_ANWEB.txt, line 812" in html


def test_an_editors_wording_is_shown_as_such(client):
    code = hcpcs("G0105")
    DescriptorFactory(code=code, long="Cut off tex")
    DescriptorOverrideFactory(code=code, text="The whole text")
    html = client.get("/hcpcs/g0105/").content.decode()
    assert "The whole text" in html
    assert "Editor’s wording" in html


def test_an_editors_wording_of_a_licensed_text_keeps_the_notice(client, settings):
    settings.LICENSED_CODE_SYSTEMS = ["cpt"]
    code = CodeFactory(code="38570", described=True)
    DescriptorFactory(code=code, long="Licensed wrods", edition=EditionFactory(label="2026"))
    DescriptorOverrideFactory(code=code, text="Licensed words")
    html = client.get("/cpt/38570/").content.decode()
    assert "Licensed words" in html
    assert "© Copyright 2026 American Medical Association. All rights reserved." in html


# --- States -----------------------------------------------------------------------------------------------------


@time_machine.travel("2026-11-22")
def test_a_terminated_code_keeps_its_page_and_names_its_successors(client):
    code = hcpcs("G0299", terminated_on=datetime.date(2019, 12, 31), successors=["G0300"])
    html = client.get(code.get_absolute_url()).content.decode()
    assert "Terminated" in html
    assert "31 December 2019 was its last day in force" in html
    assert 'href="/hcpcs/g0300/"' in html


@time_machine.travel("2026-11-22")
def test_a_code_that_is_not_in_force_yet_names_no_successor(client):
    dates = {"added_on": datetime.date(2019, 1, 1), "terminated_on": datetime.date(2019, 12, 31)}
    hcpcs("G0299", successors=["G0300"], **dates)
    assert 'href="/hcpcs/g0300/"' not in client.get("/hcpcs/g0299/?on=2018-06-01").content.decode()


@time_machine.travel("2026-11-22")
def test_a_terminated_code_without_successors_says_that_none_is_named(client):
    hcpcs("G0299", terminated_on=datetime.date(2019, 12, 31), successors=[])
    assert "names no successor" in client.get("/hcpcs/g0299/").content.decode()


@time_machine.travel("2026-11-22")
def test_a_future_code_says_when_it_takes_effect(client):
    hcpcs("G0999", added_on=datetime.date(2027, 1, 1))
    html = client.get("/hcpcs/g0999/").content.decode()
    assert "Not yet in force" in html
    assert "It takes effect on 1 January 2027" in html


@time_machine.travel("2026-11-22")
def test_a_page_can_be_read_as_of_a_date_of_service(client):
    code = hcpcs("G0299", terminated_on=datetime.date(2019, 12, 31))
    DescriptorFactory(code=code, long="The old words", edition=EditionFactory(label="2018", is_current=False))
    DescriptorFactory(code=code, long="The new words", edition=EditionFactory(label="2019"))
    html = client.get("/hcpcs/g0299/?on=2018-06-01").content.decode()
    assert "The old words" in html
    assert "The new words" not in html
    assert "Terminated" not in html
    assert '<link rel="canonical" href="http://127.0.0.1:8000/hcpcs/g0299/">' in html


@time_machine.travel("2026-11-22")
def test_a_page_names_the_row_of_the_text_that_it_shows_and_of_the_newest_one(client):
    code = hcpcs("G0105")
    for label, line in [("2018", 11), ("2019", 22)]:
        edition = EditionFactory(label=label, is_current=label == "2019")
        EditionFileFactory(edition=edition, name=f"HCPC{label}.txt")
        DescriptorFactory(code=code, edition=edition, line=line, long=f"Words of {label}")
    today = client.get("/hcpcs/g0105/").content.decode()
    assert "HCPC2019.txt, line 22" in today
    assert "HCPC2018.txt" not in today
    then = client.get("/hcpcs/g0105/?on=2018-06-01").content.decode()
    assert "Words of 2018" in then
    assert then.index("HCPC2018.txt, line 11") < then.index("HCPC2019.txt, line 22")


@time_machine.travel("2026-11-22")
def test_an_edition_that_was_taken_back_is_on_no_page(reader):
    code = hcpcs("G0105")
    right, mistake = EditionFactory(label="2018"), EditionFactory(label="2019", is_current=False)
    DescriptorFactory(code=code, edition=right, long="The right words")
    HcpcsRecordFactory(code=code, edition=right, betos="P8D")
    DescriptorFactory(code=code, edition=mistake, long="The mistaken words", is_current=False)
    HcpcsRecordFactory(code=code, edition=mistake, betos="Z2")
    html = reader.get("/hcpcs/g0105/").content.decode()
    assert "The right words" in html
    assert "P8D" in html
    assert "The mistaken words" not in html
    assert "reworded" not in html
    assert "Z2" not in html


@time_machine.travel("2026-11-22")
def test_a_sample_gives_way_to_an_older_whole_edition_on_the_page(client):
    code = hcpcs("G0105")
    sample = EditionFactory(label="2026Q1-sample", is_sample=True, is_current=False)
    DescriptorFactory(code=code, edition=sample, long="The words of the sample")
    DescriptorFactory(code=code, edition=EditionFactory(label="2019"), long="The words of 2019")
    html = client.get("/hcpcs/g0105/").content.decode()
    assert "The words of 2019" in html
    assert "sample" not in html


def test_cms_letters_name_their_edition(reader):
    code = hcpcs("G0105")
    edition = EditionFactory(label="2019")
    DescriptorFactory(code=code, edition=edition)
    HcpcsRecordFactory(code=code, edition=edition, betos="P8D")
    assert "From HCPCS Level II 2019" in reader.get("/hcpcs/g0105/").content.decode()


@time_machine.travel("2026-11-22")
def test_a_code_is_no_longer_listed_only_since_the_edition_that_dropped_it(client):
    hcpcs("G9976", delisted_in=EditionFactory(label="2019"))
    assert "No longer listed" in client.get("/hcpcs/g9976/").content.decode()
    assert "no longer listed" not in client.get("/hcpcs/g9976/?on=2018-06-01").content.decode().lower()


@pytest.mark.parametrize("day", ["2025-02-30", "soon", "1900-01-01", "2199-01-01", "2025-03-01%00"])
def test_a_bad_date_of_service_is_explained_and_costs_nothing(client, day):
    CodeFactory(code="38570", described=True)
    response = client.get(f"/cpt/38570/?on={day}")
    assert response.status_code == 400
    assert "date of service" in response.content.decode()
    assert client.get("/cpt/38570/").status_code == 200


def test_an_add_on_code_says_so(client):
    CodeFactory(code="38900", is_addon=True, described=True)
    assert "Add-on code" in client.get("/cpt/38900/").content.decode()


def test_a_code_that_nobody_described_shows_its_facts(client):
    DescriptorFactory(code=hcpcs("G0105"), long="Screening of the colon")
    html = client.get("/hcpcs/g0105/").content.decode()
    assert "No description yet" in html
    assert "Screening of the colon" in html


def test_previous_and_next_follow_the_book_not_the_number(client):
    heading = HeadingFactory(slug="nodes")
    for code, position in [("38570", "38570"), ("38599", "38571"), ("38572", "38572")]:
        CodeFactory(code=code, position=position, heading=heading, is_resequenced=code != position, described=True)
    html = client.get("/cpt/38599/").content.decode()
    assert re.search(r'rel="prev"[^>]*href="/cpt/38570/"|href="/cpt/38570/"[^>]*rel="prev"', html)
    assert re.search(r'rel="next"[^>]*href="/cpt/38572/"|href="/cpt/38572/"[^>]*rel="next"', html)
    assert "Resequenced" in html


# --- Addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/hcpcs/G0105/", "/hcpcs/g0105/"),
        ("/HCPCS/g0105/", "/hcpcs/g0105/"),
        ("/hcpcs/G0105/?on=2020-01-01", "/hcpcs/g0105/?on=2020-01-01"),
        ("/icd-10-cm/C77.2/", "/icd-10-cm/c77-2/"),
    ],
)
def test_other_spellings_are_redirected_to_the_canonical_address(client, asked, canonical):
    hcpcs("G0105")
    CodeFactory(system=CodeSystemFactory(slug="icd-10-cm"), code="C77.2")
    response = client.get(asked)
    assert response.status_code == 301
    assert response["Location"] == canonical


def test_an_unknown_code_is_a_designed_404_with_near_matches(client):
    CodeFactory(code="38570", described=True)
    response = client.get("/cpt/38579/")
    assert response.status_code == 404
    html = response.content.decode()
    assert "38579" in html
    assert 'href="/cpt/38570/"' in html


def test_a_system_that_is_not_loaded_says_so_instead_of_suspecting_a_typo(client):
    response = client.get("/icd-10-cm/c77-2/")
    assert response.status_code == 404
    assert "No codes of ICD-10-CM are loaded on this site yet" in response.content.decode()


def test_an_unknown_system_is_not_found(client):
    assert client.get("/cpc/38570/").status_code == 404


def test_a_shortened_address_leads_to_the_table_of_contents(client):
    assert client.get("/cpt/")["Location"] == "/codes/cpt/"


def test_posting_to_a_code_page_is_refused(client):
    CodeFactory(code="38570", described=True)
    assert client.post("/cpt/38570/").status_code == 405


# --- What search engines are told -------------------------------------------------------------------------------


def test_structured_data_marks_what_a_spent_reader_does_not_get(client):
    CodeFactory(code="38570", described=True, sections=7)
    html = client.get("/cpt/38570/").content.decode()
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert block
    page, crumbs = json.loads(block[1])["@graph"]
    assert page["isAccessibleForFree"] is False
    assert page["hasPart"]["cssSelector"] == ".metered"
    assert len(re.findall(r'class="[^"]*\bmetered\b[^"]*"', html)) == 2  # the descriptor and the description
    assert [item["name"] for item in crumbs["itemListElement"]] == ["Codes", "CPT®", "38570"]


def test_structured_data_cannot_be_ended_by_a_title(client):
    code = CodeFactory(code="38570", described=True)
    code.entry.title = "</script><script>alert(1)</script>"
    code.entry.save()
    assert "<script>alert(1)" not in client.get("/cpt/38570/").content.decode()


# --- Cost -------------------------------------------------------------------------------------------------------


def long_page(sections: int):
    system = CodeSystemFactory(slug="hcpcs")
    heading = HeadingFactory(system=system, slug="leaf", parent=HeadingFactory(system=system, slug="top"))
    code = hcpcs("G0105", heading=heading, described=True, sections=min(sections, 7))
    for year in range(2010, 2010 + sections):
        edition = EditionFactory(label=str(year), is_current=False)
        DescriptorFactory(code=code, edition=edition, long=f"Text of {year}")
        HcpcsRecordFactory(code=code, edition=edition)
    for number in range(sections):
        hcpcs(f"G02{number:02}", heading=heading, described=True)
    return code


@pytest.mark.parametrize("sections", [1, 12])
def test_a_guests_page_costs_the_same_whatever_its_length(client, sections, django_assert_max_num_queries):
    url = long_page(sections).get_absolute_url()
    with django_assert_max_num_queries(3):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("sections", [1, 12])
def test_an_accounts_page_costs_the_same_whatever_its_length(reader, sections, django_assert_max_num_queries):
    url = long_page(sections).get_absolute_url()
    with django_assert_max_num_queries(10):
        assert reader.get(url).status_code == 200


def test_a_page_seen_by_an_earlier_guest_costs_no_reading(django_assert_max_num_queries):
    url = long_page(1).get_absolute_url()
    Client().get(url)
    with django_assert_max_num_queries(2):
        Client().get(url)


def test_an_editor_is_never_walled(client):
    client.force_login(EditorFactory())
    for number in range(8):
        CodeFactory(code=f"1000{number}", described=True)
        assert client.get(f"/cpt/1000{number}/").status_code == 200


def test_a_title_alone_makes_a_free_page(client):
    EntryFactory(code=CodeFactory(code="38570"))
    CodeFactory(code="38571", described=True)
    assert client.get("/cpt/38570/").status_code == 200
    assert client.get("/cpt/38571/").status_code == 200


@pytest.mark.parametrize("depth", [1, 4])
def test_the_wall_costs_the_same_however_deep_the_heading(client, depth, django_assert_max_num_queries):
    heading = None
    for level in range(depth):
        heading = HeadingFactory(slug=f"level-{level}", parent=heading)
    CodeFactory(code="38570", described=True)
    CodeFactory(code="38571", described=True, heading=heading)
    client.get("/cpt/38570/")
    with django_assert_max_num_queries(4):
        assert client.get("/cpt/38571/").status_code == 403
