import pytest
from django.test import Client

from codingahead.styleguide import PAGES
from tests.factories import EditorFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_guests_and_accounts_never_see_it(client: Client) -> None:
    assert client.get("/styleguide/").status_code == 404
    assert client.get("/styleguide/code-guest/").status_code == 404
    client.force_login(UserFactory())
    assert client.get("/styleguide/").status_code == 404


def test_everybody_sees_it_where_debug_is_on(client: Client, settings) -> None:
    settings.DEBUG = True
    assert client.get("/styleguide/").status_code == 200


def test_an_editor_sees_every_component_and_a_link_to_every_page(client: Client) -> None:
    client.force_login(EditorFactory())
    html = client.get("/styleguide/").content.decode()
    for name in PAGES:
        assert f'href="/styleguide/{name}/"' in html


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_it_renders(client: Client, name: str) -> None:
    client.force_login(EditorFactory())
    response = client.get(f"/styleguide/{name}/")
    assert response.status_code == 200
    assert response.content.decode().count("<h1") == 1


def test_an_unknown_page_of_it_is_a_404(client: Client) -> None:
    client.force_login(EditorFactory())
    assert client.get("/styleguide/nothing/").status_code == 404
