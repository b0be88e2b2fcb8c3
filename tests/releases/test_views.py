"""The freshness board and the page of an edition."""

import datetime

import pytest
import time_machine
from django.test import Client

from codes.models import CodeSystem
from releases.actions import import_release
from releases.models import Edition, Source
from tests.codes.imports.files import Record, anweb
from tests.factories import EditionFactory, SourceFactory

pytestmark = pytest.mark.django_db
A, B, LT = Record("A0001"), Record("B0001"), Record("LT")


@pytest.fixture
def two_editions(tmp_path) -> None:
    for name, data in {"HCPC2018_ANWEB.txt": anweb(LT, A), "HCPC2019_ANWEB.txt": anweb(LT, B)}.items():
        (tmp_path / name).write_bytes(data)
        import_release(source=Source.objects.get(slug="hcpcs"), places=[str(tmp_path / name)], accept_removals=True)


def test_without_an_edition_the_board_says_so(client: Client) -> None:
    assert "Nothing imported yet" in client.get("/sources/").content.decode()


def test_without_a_source_the_board_says_so(client: Client) -> None:
    CodeSystem.objects.update(source=None)
    Source.objects.all().delete()
    assert "Nothing imported yet." in client.get("/sources/").content.decode()


@pytest.mark.usefixtures("two_editions")
def test_everyone_sees_which_edition_is_current_and_that_it_is_old(client: Client) -> None:
    page = client.get("/sources/").content.decode()
    assert '<a href="/sources/hcpcs/2019/">2019</a>' in page
    assert "1 codes, 1 modifiers" in page
    assert "A newer edition is due" in page
    assert "Centers for Medicare &amp; Medicaid Services" in page
    assert "Public domain" in page


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("2018-12-15", "Ahead of its effective date"),
        ("2019-03-31", "Up to date"),
        ("2019-04-01", "A newer edition is due"),
    ],
)
def test_the_board_tells_when_a_newer_edition_is_due(client: Client, day: str, state: str) -> None:
    EditionFactory(source=Source.objects.get(slug="hcpcs"), label="2019", effective_on=datetime.date(2019, 1, 1))
    with time_machine.travel(day):
        assert state in client.get("/sources/").content.decode()


def test_a_sample_is_called_one(client: Client) -> None:
    EditionFactory(source=Source.objects.get(slug="hcpcs"), label="2026Q1-sample", is_sample=True)
    assert "Sample for development" in client.get("/sources/").content.decode()


@pytest.mark.usefixtures("two_editions")
def test_the_page_of_an_edition_tells_what_it_changed(client: Client) -> None:
    page = client.get("/sources/hcpcs/2019/").content.decode()
    assert '<dt>No longer listed</dt><dd class="num">1</dd>' in page
    assert '<dt>Newly terminated</dt><dd class="num">0</dd>' in page
    assert '<a href="/hcpcs/a0001/" rel="nofollow">A0001</a>' in page
    assert "HCPC2019_ANWEB.txt" in page
    assert Edition.objects.get(label="2019").sha256 in page
    assert '<a href="/sources/hcpcs/2018/">2018</a>' in page


@pytest.mark.usefixtures("two_editions")
def test_the_page_of_an_older_edition_says_that_it_is_not_current(client: Client) -> None:
    assert "Stored, not current" in client.get("/sources/hcpcs/2018/").content.decode()


def test_an_edition_that_no_import_wrote_has_a_page(client: Client) -> None:
    edition = EditionFactory(source=Source.objects.get(slug="hcpcs"), label="2019", variant="north")
    response = client.get(edition.get_absolute_url())
    assert edition.get_absolute_url() == "/sources/hcpcs/north/2019/"
    assert "This edition has no report." in response.content.decode()


@pytest.mark.parametrize("path", ["/sources/hcpcs/2019/", "/sources/x/2019/", "/sources/hcpcs/x/2019/", "/sources/x/"])
def test_what_is_not_there_is_a_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/sources/", "/sources/hcpcs/2019/"])
def test_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("more", [0, 12])
@pytest.mark.usefixtures("two_editions")
def test_pages_cost_the_same_however_much_is_stored(client: Client, more: int, django_assert_max_num_queries) -> None:
    for number in range(more):
        EditionFactory(source=SourceFactory(slug=f"source-{number}"))
        EditionFactory(source=Source.objects.get(slug="hcpcs"), label=f"20{number + 30}", is_current=False)
    with django_assert_max_num_queries(3):
        client.get("/sources/")
    with django_assert_max_num_queries(4):
        client.get("/sources/hcpcs/2019/")
