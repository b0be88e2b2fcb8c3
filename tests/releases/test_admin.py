"""Editions in the admin: to look at, by those who may, and for nobody to change."""

import pytest
from django.test import Client

from releases.models import Edition, Source
from releases.reports import GroupReport, ImportReport
from tests.factories import EditionFactory, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def edition() -> Edition:
    group = GroupReport("hcpcs", "codes", True, 2, 1, 1, 0, 1, 0, 0, {}, {}, {})
    report = ImportReport("HCPCS", "2019", "Published.", "2018", [group], [], {}, ["Editor's wording of <A0001>"], 1.0)
    return EditionFactory(source=Source.objects.get(slug="hcpcs"), label="2019", report=report.as_json())


def test_the_report_is_readable(client: Client, edition: Edition) -> None:
    client.force_login(SuperuserFactory())
    page = client.get(f"/admin/releases/edition/{edition.pk}/change/").content.decode()
    assert "2 codes: 1 added, 0 no longer listed" in page
    assert "wording of &lt;A0001&gt;" in page


def test_an_edition_without_a_report_says_so(client: Client) -> None:
    client.force_login(SuperuserFactory())
    page = client.get(f"/admin/releases/edition/{EditionFactory().pk}/change/").content.decode()
    assert "No report" in page


def test_nobody_can_change_add_or_delete(client: Client, edition: Edition) -> None:
    client.force_login(SuperuserFactory())
    assert client.post(f"/admin/releases/edition/{edition.pk}/change/", {"label": "x"}).status_code == 403
    assert client.get("/admin/releases/edition/add/").status_code == 403
    assert client.post(f"/admin/releases/edition/{edition.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/releases/source/add/").status_code == 403


@pytest.mark.parametrize("path", ["edition", "source"])
def test_lists_are_there_for_staff_only(client: Client, edition: Edition, path: str) -> None:
    assert client.get(f"/admin/releases/{path}/").status_code == 302
    client.force_login(UserFactory())
    assert client.get(f"/admin/releases/{path}/").status_code == 302
    client.force_login(SuperuserFactory())
    assert "HCPCS Level II" in client.get(f"/admin/releases/{path}/").content.decode()
